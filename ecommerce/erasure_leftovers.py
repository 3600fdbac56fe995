"""What killed runs left of a shop goes with an erasure, whoever it is about: staging tables, scratch, folders that no manifest names.

The caller holds the shop's lock, so that no run of it is going on.
"""

from __future__ import annotations

import shutil
from datetime import timedelta

import psycopg

from ecommerce import lake, warehouse
from ecommerce.config import Settings
from ecommerce.erasure_terms import Person, Step
from ecommerce.suppression import Suppression


def _warehouse(settings: Settings) -> psycopg.Connection:
    return psycopg.connect(settings.postgres_dsn("loader"), autocommit=True, connect_timeout=10)


def _erase_tables(settings: Settings, suppression: Suppression, person: Person) -> int:
    with _warehouse(settings) as connection:
        connection.execute("SET lock_timeout = '60s'")  # a task of the dead run may still be loading
        return warehouse.drop_staging(connection, person.shop_id)


def _look_tables(settings: Settings, person: Person) -> tuple[int, int]:
    with _warehouse(settings) as connection:
        left = len(warehouse.staging_tables(connection, person.shop_id))
        return left, left


def _erase_folders(settings: Settings, suppression: Suppression, person: Person) -> int:
    scratch, removed = lake.scratch(settings.lake_dir, person.shop_id), 0
    if scratch.is_dir():
        shutil.rmtree(scratch)
        removed = 1
    for layer in lake.LAYERS:
        for partition in lake.partitions(settings.lake_dir, layer, person.shop_id):
            with lake.exclusive(partition):
                removed += lake.sweep(partition, timedelta(0))
    return removed


def _look_folders(settings: Settings, person: Person) -> tuple[int, int]:
    looked, left = 1, int(lake.scratch(settings.lake_dir, person.shop_id).is_dir())
    for layer in lake.LAYERS:
        for partition in lake.partitions(settings.lake_dir, layer, person.shop_id):
            with lake.exclusive(partition):
                looked, left = looked + 1, left + len(lake.unnamed(partition))
    return looked, left


STEPS = (
    Step("warehouse: tables of dead runs", "tables", _erase_tables, _look_tables),
    Step("lake: folders of dead runs", "folders", _erase_folders, _look_folders),
)

"""The second step of a run: facts and events to marts, several queries at a time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import connect
import facts
import facts_frames
import history
import load
import marts
from job import Job, say
from lakeout import LakeOutput
from lakestep import Staged, keeper
from pyspark.sql import DataFrame, SparkSession
from staging import OPTIONAL

from ecommerce import warehouse
from ecommerce.config import settings


def load_marts(
    spark: SparkSession,
    job: Job,
    staged: Staged,
    all_marts: list[marts.Mart],
    tables: warehouse.Staging,
    past: history.Past,
    output: LakeOutput,
    visits_loaded: Callable[[dict[str, int]], object],
) -> dict[str, int]:
    """Marts to the staging tables; returns the rows loaded.

    Where the lake writer had no day whole, the facts of visits are computed now, and at the same time the marts that need none of
    them; ``visits_loaded`` gets the visits' rows.
    """
    say("load", 0, 1, "marts; facts are published meanwhile")
    with (
        Views(spark, tables, past, few=staged.spread.tasks == 1) as views,
        load.Loading(spark, job.run_id, tables, settings().postgres_dsn("loader")) as loading,
    ):
        wanted = list(all_marts)

        def begin() -> None:
            """Have those marts loaded whose frames are all there."""
            now = [mart for mart in wanted if mart.reads() <= views.names()]
            frames = mart_frames(spark, views.of_days, views.of_history, staged.absent, now)
            for kind in sorted({(not mart.slow, mart.scope) for mart in now}):
                loading.begin({mart.table: frames[mart.table] for mart in now if (not mart.slow, mart.scope) == kind})
            wanted[:] = [mart for mart in wanted if mart not in now]

        visits = None
        if not set(facts.OF_VISITS) <= staged.facts.keys():
            visits = loading.do(facts_frames.of_visits, staged.events, staged.spread.tasks, partial(keeper, output=output, tables=tables))
        views.add({"events": staged.events, **staged.facts})
        begin()
        if visits:
            visits_loaded(facts_frames.loaded(facts.OF_VISITS, visits.result()))
            views.add(facts_frames.kept(spark, tables.schemas, facts.OF_VISITS, visits.result(), job.shop.time_zone))
            begin()
        loaded = loading.rows()
    say("load", 1, 1, f"{sum(loaded.values())} rows")
    return loaded


class Views:
    """Temporary views of frames as marts of a day read them, and as those of the whole history do; gone at the end.

    ``of_days``, ``of_history``: the view's name for each frame. ``few``: each frame lies in one task.
    """

    def __init__(self, spark: SparkSession, tables: warehouse.Staging, past: history.Past, few: bool) -> None:
        self._spark, self._tables, self._past, self._few = spark, tables, past, few
        self._stack = ExitStack()
        self.of_days: dict[str, str] = {}
        self.of_history: dict[str, str] = {}

    def add(self, frames: dict[str, DataFrame]) -> None:
        """Name ``frames``."""
        of_days = {name: frame.coalesce(1) for name, frame in frames.items()} if self._few else frames
        dsn = settings().postgres_dsn("loader")
        whole = {
            name: self._past.with_run(self._spark, name, frame, self._tables, dsn, self._few)
            for name, frame in of_days.items()
            if name in self._past.spans
        }
        self.of_days |= self._stack.enter_context(connect.named(self._spark, of_days))
        self.of_history |= self._stack.enter_context(connect.named(self._spark, whole))

    def names(self) -> set[str]:
        return {*self.of_days, *self.of_history}

    def __enter__(self) -> Views:
        return self

    def __exit__(self, *exception: Any) -> None:
        self._stack.close()


def mart_frames(
    spark: SparkSession, of_days: dict[str, str], of_history: dict[str, str], absent: frozenset[str], all_marts: list[marts.Mart]
) -> dict[str, DataFrame]:
    """The frame of every mart.

    It reads views: of the run's events and facts or, for one over the whole history, of the facts of all published days.
    """
    given = {f"has_{name}": name not in absent for name in OPTIONAL}
    views = {"day": of_days, "history": of_history}
    return {mart.table: spark.sql(mart.query.format(**views[mart.scope]), args=given) for mart in all_marts}

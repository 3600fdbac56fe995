"""A landing, a repair and an erasure of one partition follow one another: nobody comes back, nothing half landed is swept away."""

import json
import threading
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import pytest

from ecommerce import erasure_lake, ingest, lake, repair
from ecommerce.batch_run import Run
from ecommerce.config import Settings
from ecommerce.erasure_terms import Person
from ecommerce.suppression import CUSTOMER, Suppression

DAYS = [date(2026, 1, 1)]
TOML = """
[files]
glob = "*.csv"
date_from = "column"
[read]
format = "csv"
header = true
[columns]
order = "STRING"
customer = "STRING"
price = "STRING"
[privacy]
user_id = "customer"
"""
BODY = "order,customer,price\n1,anna,free\n2,bert,1\n3,anna\n"


@pytest.fixture
def config(tmp_path, monkeypatch) -> Settings:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "customer_hmac_key").write_text("key of the test")
    config = replace(Settings(), secrets_dir=tmp_path / "secrets", lake_dir=tmp_path / "lake")
    for module in (ingest, repair):
        monkeypatch.setattr(module, "settings", lambda: config)
    return config


@pytest.fixture
def source(tmp_path) -> str:
    folder = tmp_path / "till"
    folder.mkdir()
    (folder / "source.toml").write_text(TOML)
    (folder / "staging.sql").write_text("SELECT 1 FROM {raw}")
    return str(folder)


def land(tmp_path, source, run_id="r1") -> None:
    (tmp_path / "in").mkdir(exist_ok=True)
    (tmp_path / "in" / "x.csv").write_text(BODY)
    ingest.land_files(run_id, "demo", source, tmp_path / "in", DAYS)


def partition(config):
    return lake.landing(config.lake_dir, "till", "demo", "2026-01-01")


def published(config) -> str:
    return "".join(path.read_text() for path in lake.files(partition(config)))


def erase(config) -> None:
    suppression = Suppression(config)
    suppression.add([("demo", CUSTOMER, "anna")])
    for step in erasure_lake.STEPS:
        step.erase(config, suppression, Person("demo", "anna"))


def meanwhile(monkeypatch, module, name, do) -> SimpleNamespace:
    """``do`` begins when ``module.name`` has returned for the first time; ``ended()`` waits for its end."""
    original, thread, failed = getattr(module, name), None, []

    def run():
        try:
            do()
        except BaseException as error:
            failed.append(error)

    def call(*arguments, **named):
        nonlocal thread
        result = original(*arguments, **named)
        if thread is None:
            thread = threading.Thread(target=run)
            thread.start()
            thread.join(0.2)
        return result

    def ended():
        thread.join(10)
        assert (thread.is_alive(), failed) == (False, [])

    monkeypatch.setattr(module, name, call)
    return SimpleNamespace(ended=ended)


def test_an_erasure_finds_what_a_landing_publishes_that_did_not_know_of_it(tmp_path, config, source, monkeypatch):
    other = meanwhile(monkeypatch, ingest, "without_erased", lambda: erase(config))
    land(tmp_path, source)
    other.ended()
    assert published(config) == "order,customer,price\n1,,free\n2,bert,1\n[erased]\n"


def test_an_erasure_leaves_a_landing_that_is_going_on_its_folder(tmp_path, config, source, monkeypatch):
    land(tmp_path, source)
    other = meanwhile(monkeypatch, ingest, "_copy", lambda: erase(config))
    land(tmp_path, source, "r2")
    other.ended()
    assert published(config) == "order,customer,price\n1,,free\n2,bert,1\n[erased]\n"
    assert lake.read_manifest(partition(config)).run_id == "r2"


def repaired(monkeypatch, source, **change) -> int:
    rows = [{"file": "x.csv", "line": 2, **change}]
    monkeypatch.setattr(repair.held_back, "of_days", lambda *_, **__: [SimpleNamespace(file="x.csv", line=2, reason="bad_money")])
    return repair.apply(Run("r3", "demo", source, "2026-01-01", "2026-01-01", repair=json.dumps({"rows": rows})))


def test_a_repair_brings_nobody_back_who_is_erased_meanwhile(tmp_path, config, source, monkeypatch):
    land(tmp_path, source)
    other = meanwhile(monkeypatch, repair, "_rewrite_file", lambda: erase(config))
    assert repaired(monkeypatch, source, price="2") == 1
    other.ended()
    assert published(config) == "order,customer,price\n1,,2\n2,bert,1\n[erased]\n"
    assert "anna" not in (partition(config) / lake.MANIFEST).read_text()


def test_a_repair_that_names_an_erased_person_is_kept_without(tmp_path, config, source, monkeypatch):
    land(tmp_path, source)
    erase(config)
    assert repaired(monkeypatch, source, raw="1,anna,2") == 1
    assert published(config) == "order,customer,price\n1,,2\n2,bert,1\n[erased]\n"
    manifest = lake.read_manifest(partition(config))
    assert [(one["line"], one["now"]) for one in manifest.details["repairs"]] == [(2, "[erased]")]
    assert manifest.details["erased"] == 3


def test_a_landing_that_fails_leaves_nothing_and_what_is_published_stays(tmp_path, config, source):
    land(tmp_path, source)
    (tmp_path / "in" / "y.csv.gz").write_bytes(b"no archive")
    with pytest.raises(ingest.IngestError, match="copy it again"):
        land(tmp_path, source, "r2")
    assert [path.name for path in partition(config).iterdir() if path.is_dir()] == ["r1"]
    assert published(config) == BODY

"""Rows held back come in after a repair: by a fixed file of rows, by a value, by a better staging.sql; the day says what changed."""

import json
from decimal import Decimal
from pathlib import Path

import batch_runs
import pytest
from click.testing import CliRunner
from test_batch_refuses import HEADER, SQL, TOML

from ecommerce import lake, quarantine, repair
from ecommerce.cli import cli
from ecommerce.config import settings

pytestmark = pytest.mark.servers
DAY = "2026-02-11"
BAD = (
    b"1,2026-02-11 10:00:00,A,Lamp,cheap,1\n"
    b"2,2026-02-11 10:00:00,A,Lamp,dear,2\n"
    b"3,tomorrow,A,Lamp,1.00,1\n"
    b"4,2026-02-11 10:00:00,A\n"
    b"5,2026-02-11T11:00:00,A,Lamp,1.00,1\n"
)
GOOD = b"".join(b"%d,2026-02-11 11:00:00,A,Lamp,1.00,1\n" % n for n in range(10, 20))


@pytest.fixture(scope="module")
def source(postgres, redis_server, spark, tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("repair") / "repaired_till"
    folder.mkdir()
    (folder / "source.toml").write_text(TOML)
    (folder / "staging.sql").write_text(SQL)
    batch_runs.land_lines("demo", "repaired_till", DAY, "till.csv", HEADER + BAD + GOOD, 15, "broken-1")
    assert batch_runs.run("broken-1", "demo", str(folder), DAY)[0] == 0
    return str(folder)


def command(*arguments: str):
    return CliRunner().invoke(cli, ["quarantine", *arguments], catch_exceptions=False)


def gross() -> Decimal:
    return batch_runs.day_of("demo", DAY)["gross_revenue"]


def test_reason_rule_file_and_line_are_told(source):
    found = [(r.file, r.line, r.reason, r.rule) for r in quarantine.show(settings(), "demo", source="repaired_till")]
    assert found[:3] == [
        ("till.csv", 2, "bad_money", "price"),
        ("till.csv", 3, "bad_money", "price"),
        ("till.csv", 4, "bad_time", "event_time"),
    ]
    assert found[3][2:] == ("not_csv", "not 6 values")
    counted = {row["reason"]: row["rows"] for row in quarantine.listing(settings(), "demo") if row["source"] == "repaired_till"}
    assert counted == {"bad_money": 2, "bad_time": 2, "not_csv": 1}
    assert "bad_money" in command("list", "--shop", "demo").output


def test_what_is_not_clear_or_not_there_changes_nothing(source):
    with pytest.raises(quarantine.QuarantineError, match="name one with --reason"):
        command("replay", "--shop", "demo", "--date", DAY, "--source", source, "--fix", "price=1")
    for rows, why in (
        ([{"file": "till.csv", "line": 9, "raw": ""}], "line 9 is not held back"),
        ([{"file": "till.csv", "line": 2, "cost": 1}], "has no column cost"),
    ):
        with pytest.raises(repair.RepairError, match=why):
            quarantine.replay(settings(), "demo", batch_runs.days_of(DAY, DAY)[0], print, rows=rows, source=source)
    assert gross() == 10


def test_a_fixed_value_fixed_rows_and_a_fixed_query(source, tmp_path):
    fixed = command("replay", "--shop", "demo", "--date", DAY, "--source", source, "--reason", "bad_money", "--fix", "price=2.50").output
    assert gross() == Decimal("17.50")
    assert f"demo {DAY} revised" in fixed
    assert "fct_order_line: 2 rows added, 0 removed, 0 changed" in fixed
    assert "3 rows are still held back" in fixed

    whole = {"file": "till.csv", "line": 5, "raw": "4,2026-02-11 10:00:00,A,Lamp,4.00,1"}
    (tmp_path / "rows.json").write_text(json.dumps([whole, {"file": "till.csv", "line": 4, "at": "2026-02-11 12:00:00"}]))
    command("replay", "--shop", "demo", "--date", DAY, "--source", source, "--rows", str(tmp_path / "rows.json"))
    assert gross() == Decimal("22.50")

    plain = batch_runs.days_of(DAY, DAY)[0]
    assert quarantine.plan(settings(), "demo", plain, source="repaired_till").source == source  # as the Data page asks
    better = SQL.replace("concat(at, ' ', :time_zone)", "concat(replace(at, 'T', ' '), ' ', :time_zone)")
    Path(source, "staging.sql").write_text(better)
    said = command("replay", "--shop", "demo", "--date", DAY, "--source", "repaired_till").output  # its folder is the run's
    assert gross() == Decimal("23.50")
    assert "0 rows are still held back" in said

    partition = lake.landing(settings().lake_dir, "repaired_till", "demo", DAY)
    manifest = lake.read_manifest(partition)
    assert (manifest.rows, len(manifest.details["repairs"])) == (15, 4)
    assert manifest.details["repairs"][0]["was"] == "1,2026-02-11 10:00:00,A,Lamp,cheap,1"

"""The drills' own parts: the recount by hand, the controls against today's code, the verdict on a difference."""

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from drills import controls, running, verdict
from drills.__main__ import main
from drills.drill import Change
from drills.running import Result
from drills.table import DRILLS
from drills.traffic import Acked, Refusal
from drills.truth import Truth
from ecommerce.cli.drill import drill
from ecommerce.live.snapshot import measures


def event(number: int, name: str = "page_view", at: str = "2025-03-30T10:00:00Z", **fields: object) -> bytes:
    same = {"shop_id": "demo", "client_id": "c", "session_id": "s", "event_name": name, "event_time": at}
    return json.dumps({"event_id": str(number), **same, **fields}).encode()


def truth(*values: bytes) -> Truth:
    return Truth().add(Acked(0, offset, 0, value) for offset, value in enumerate(values))


def order(number: int, transaction: str, **fields: object) -> bytes:
    items = [{"item_id": "a", "price": "0.10", "quantity": 3, "discount": "0.05"}, {"item_id": "b", "price": "2", "quantity": 1}]
    return event(number, "purchase", transaction_id=transaction, items=items, tax="0.40", shipping="1", **fields)


def test_an_order_a_copy_a_second_event_of_it_and_its_refund():
    refund = event(3, "refund", transaction_id="t", items=[{"item_id": "b", "price": "2", "quantity": 1}])
    found = truth(order(1, "t"), order(1, "t"), order(2, "t"), refund).days["demo", "2025-03-30"]
    assert found.totals == {"received": 4, "counted": 2, "duplicates": 1}
    assert found.refused == {"duplicate_order": 1}
    money = {"gross_revenue": "2.30", "discounts": "0.05", "refunds": "2", "net_revenue": "0.25", "tax": "0.40", "shipping": "1"}
    assert found.measures == {"orders": 1, "units": 4, "adjustments": 0, **{name: Decimal(text) for name, text in money.items()}}


def test_48_hours_behind_its_partition_counts_and_a_second_more_is_late():
    times = ("2025-03-30T10:00:00Z", "2025-03-28T10:00:00Z", "2025-03-28T09:59:59Z")
    found = truth(*(event(number, at=at) for number, at in enumerate(times)))
    assert found.days["demo", "2025-03-28"].totals == {"received": 2, "counted": 1, "late": 1}


def test_a_day_is_the_shops_own_over_the_change_of_clocks():
    found = truth(
        event(1, at="2025-03-29T22:59:00Z"),
        event(2, at="2025-03-29T23:00:00Z"),
        event(3, at="2025-03-30T21:59:00Z"),
        event(4, at="2025-03-30T22:00:00Z"),
    )
    assert {day: totals.totals["counted"] for (_, day), totals in found.days.items()} == {"2025-03-29": 1, "2025-03-30": 2, "2025-03-31": 1}


def test_a_refused_record_counts_where_its_label_says():
    arrival = int(datetime(2025, 1, 1, 23, 30, tzinfo=UTC).timestamp() * 1000)
    found = Truth().add([Acked(0, 0, arrival, b"{", Refusal("not_json")), Acked(0, 1, arrival, b"x", Refusal("bad_time", "demo"))])
    assert found.unattributed == {"not_json": 1}
    assert found.days["demo", "2025-01-02"].refused == {"bad_time": 1}
    assert found.refused == {(0, 0): ("not_json", b"{"), (0, 1): ("bad_time", b"x")}


def test_a_log_out_of_order_is_an_error():
    with pytest.raises(ValueError, match="out of order"):
        Truth().add([Acked(0, 5, 0, event(1)), Acked(0, 4, 0, event(2))])


def test_one_unit_too_much_is_a_difference():
    sums = {
        "events": 2,
        "orders": 1,
        "units": 4,
        "gross_revenue": 23_000,
        "discounts": 500,
        "refunds": 20_000,
        "tax": 4000,
        "shipping": 10_000,
    }
    refund = event(3, "refund", transaction_id="t", items=[{"item_id": "b", "price": "2", "quantity": 1}])
    right = truth(order(1, "t"), refund).days["demo", "2025-03-30"]
    totals = {"received": 2, "counted": 2, "duplicates": 0, "late": 0, "refused": {}}
    found = {"measures": measures(sums), "totals": totals, "hours": [{"events": 2}], "estimates": {"visitors": 1, "sessions": 1}}
    assert list(verdict.of_day(right, found)) == []
    assert list(verdict.of_day(right, {**found, "measures": measures({**sums, "gross_revenue": 23_001})})) == [
        "gross_revenue 2.3001, should be 2.30",
        "net_revenue 0.2501, should be 0.25",
    ]
    assert len(list(verdict.of_day(right, {**found, "totals": {**totals, "received": 3}}))) == 2


@pytest.mark.parametrize("case", DRILLS.values(), ids=DRILLS)
def test_each_control_still_fits_the_code(case, tmp_path):
    changed = controls.changed((*case.fault, *case.control.changes))
    assert changed
    for number, (name, text) in enumerate(changed.items()):
        (tmp_path / f"changed_{number}{Path(name).suffix}").write_text(text, encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--quiet", "--select", "E9,F821,F823", str(tmp_path)]
    assert subprocess.run(ruff, capture_output=True, text=True).stdout == ""


def test_a_control_that_does_not_fit_says_so():
    with pytest.raises(controls.OutOfDate, match="which is there 0 times"):
        controls.changed([Change("kafka_scripts/consumer.py", "no such text", "")])


def test_the_command_asks_for_a_drill_and_the_list_has_all(capsys):
    assert CliRunner().invoke(drill, []).exit_code == 2
    assert main(["--list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in DRILLS)


def test_the_page_shows_what_each_drill_and_each_control_did(tmp_path, monkeypatch, capsys):
    case = DRILLS["consumer-killed"]

    def run_all(drills, quick, kinds, folder, show):
        size = case.quick if quick else case.full
        results = [Result(case, size, False, acked=60_000, shop_days=6, slowest=2.5), Result(case, size, True, differences=["a | b", "c"])]
        for result in results:
            show(result)
        return results

    monkeypatch.setattr(running, "run_all", run_all)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    assert main([case.name, "--quick", "--both", "--report", str(tmp_path / "page.md"), "--folder", str(tmp_path)]) == 0
    page = (tmp_path / "page.md").read_text()
    assert "| 1 | consumer-killed | SIGKILL of the consumer, 4 times (quick size) | 60,000 | 6 | exact | 2.5 s |" in page
    assert "| fails: a \\| b (and 1 more) |" in page
    assert not Result(case, case.full, True).as_expected
    assert not Result(case, case.full, False, error="no").as_expected

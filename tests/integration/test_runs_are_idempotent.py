"""A day or a range, run again, in any order, two at once: the same rows in every table; a reader never sees a part of a day."""

import subprocess
import sys
import threading
from datetime import date, timedelta

import batch_runs
import checksums
import psycopg
import pytest

from ecommerce import etl, ingest
from ecommerce.config import settings
from ecommerce.shops import shop

pytestmark = [pytest.mark.servers, pytest.mark.long]
FIRST = date(2026, 4, 14)
DAYS = [FIRST + timedelta(days=n) for n in range(2)]
SHOP = "rees46"  # no other test's days of this shop are in the warehouse at the end of a run of simulated ones
WHOLE = """
    SELECT (SELECT count(*) FROM warehouse.fct_session WHERE shop_id = %(shop)s AND date = %(day)s),
           (SELECT sessions FROM warehouse.mart_daily_sales WHERE shop_id = %(shop)s AND date = %(day)s),
           (SELECT sum(amount) FROM warehouse.fct_order_line WHERE shop_id = %(shop)s AND date = %(day)s AND line_type = 'purchase'),
           (SELECT gross_revenue FROM warehouse.mart_daily_sales WHERE shop_id = %(shop)s AND date = %(day)s)"""


def run(run_id: str, first: date, last: date) -> None:
    code, last_line = batch_runs.run(run_id, SHOP, "simulated", first.isoformat(), last.isoformat())
    assert code == 0, last_line


def two_at_once(day: date) -> list[str]:
    """Start two runs of the same day together; what each said while it waited."""
    command = [
        sys.executable,
        str(batch_runs.JOB),
        "--shop",
        SHOP,
        "--source",
        "simulated",
        "--from",
        day.isoformat(),
        "--to",
        day.isoformat(),
    ]
    children = [
        subprocess.Popen([*command, "--run-id", f"same-{name}"], env=etl.spark_environment(), stdout=subprocess.PIPE, text=True)
        for name in "ab"
    ]
    said = [child.communicate(timeout=600)[0] for child in children]
    assert [child.returncode for child in children] == [0, 0], said
    return [text for text in said if "is held by run same-" in text]


class Reader(threading.Thread):
    """Asks for the day's facts and mart in one statement, again and again, and keeps what does not belong together."""

    def __init__(self, day: date) -> None:
        super().__init__(daemon=True)
        self.day, self.stop, self.asked, self.torn, self.whole = day, False, 0, [], set()

    def run(self) -> None:
        with psycopg.connect(settings().postgres_dsn("reader"), autocommit=True) as connection:
            while not self.stop:
                found = connection.execute(WHOLE, {"shop": SHOP, "day": self.day}).fetchone()
                sessions, in_mart, amount, gross = found
                self.asked += 1
                if sessions == in_mart and amount == gross:
                    self.whole.add(found)
                else:
                    self.torn.append(found)


def test_the_same_rows_in_any_order_and_two_at_once(postgres, spark):
    for day in DAYS:
        ingest.land_simulated("same-0", shop(SHOP), day, 7)
    run("same-range", DAYS[0], DAYS[-1])
    expected = checksums.of_shop(SHOP)
    assert len(expected) > 20
    reader = Reader(DAYS[0])
    reader.start()
    for day in reversed(DAYS):
        run(f"same-{day}", day, day)
        assert checksums.of_shop(SHOP) == expected
    waited = two_at_once(DAYS[0])
    assert len(waited) == 1, "the second says who holds the shop"
    assert checksums.of_shop(SHOP) == expected

    ingest.land_simulated("other", shop(SHOP), DAYS[0], 8)
    run("other", DAYS[0], DAYS[0])
    changed = {name for name, digest in checksums.of_shop(SHOP).items() if expected.get(name) != digest}
    assert f"fct_order_line {DAYS[0]}" in changed
    assert f"fct_order_line {DAYS[1]}" not in changed
    reader.stop = True
    reader.join(30)
    assert reader.asked > 20
    assert reader.torn == []
    assert len(reader.whole) == 2, "the day before it was changed, and after"

"""An erased person's events keep counting without a trace of the person; everybody else's stay as they are."""

import threading
import uuid
from dataclasses import replace
from types import SimpleNamespace

import msgspec
import pyarrow as pa
import pytest
from shop_events import NOON, SHOP, event

from ecommerce import refill, suppressed_rows
from ecommerce.archive import Archive, Archived
from ecommerce.archived_log import ArchivedLog
from ecommerce.batches import BatchReader
from ecommerce.config import Settings
from ecommerce.live import Accepted
from ecommerce.live.writer import Claim
from ecommerce.stream import Log
from ecommerce.suppression import CLIENT, CUSTOMER, Suppression, SuppressionError
from kafka_scripts.archiver import Archiver

LOG = Log("cluster", "shop.events", "a1830353-1866-43f9-b035-8e0756cbe183", 1)
NOON_MS = int(NOON.timestamp() * 1000)
WORKER = SimpleNamespace(wait_for=lambda what, attempt, errors: attempt(), beat=lambda **values: None)


@pytest.fixture
def suppression(tmp_path) -> Suppression:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "customer_hmac_key").write_text("key of the test")
    return Suppression(replace(Settings(), secrets_dir=tmp_path / "secrets", lake_dir=tmp_path / "lake"))


def test_nobody_is_erased_at_first(suppression):
    assert not suppression.refresh(now=True)
    one = event(user_id="u1")
    assert suppression.filtered([(0, one)]) == [(0, one)]


def test_the_list_holds_hashes_alone(suppression):
    assert suppression.add([("demo", CUSTOMER, "u1"), ("demo", CLIENT, "c1")]) == 2
    assert suppression.add([("demo", CUSTOMER, "u1")]) == 0
    text = suppression.path.read_text()
    assert '"u1"' not in text
    assert '"c1"' not in text
    assert len(suppression.entries()) == 2


def test_two_who_add_at_once_are_both_on_the_list(suppression, monkeypatch):
    second = threading.Thread(target=Suppression(suppression._settings).add, args=([("uci", CUSTOMER, "u2")],))
    read = Suppression.entries

    def read_and_let_the_other_in(one):
        found = read(one)
        if one is suppression and second.ident is None:
            second.start()
            second.join(0.2)
        return found

    monkeypatch.setattr(Suppression, "entries", read_and_let_the_other_in)
    suppression.add([("demo", CUSTOMER, "u1")])
    second.join()
    assert len(suppression.entries()) == 2


def test_an_event_keeps_what_counts_and_loses_who(suppression):
    suppression.add([("demo", CUSTOMER, "u1"), ("demo", CLIENT, "c1")])
    before = event("purchase", shop_id="demo", user_id="u1", client_id="c1", session_id="s1", transaction_id="t1")
    after, again = suppression.anonymous(before), suppression.anonymous(before)
    assert after == again
    assert after.user_id is None
    for name in ("event_id", "client_id", "session_id", "transaction_id"):
        assert getattr(after, name) != getattr(before, name)
    assert (after.items, after.event_time, after.country) == (before.items, before.event_time, before.country)
    assert suppression.anonymous(after).client_id == after.client_id


def test_other_people_and_other_shops_are_left_alone(suppression):
    suppression.add([("demo", CUSTOMER, "u1"), ("demo", CLIENT, "c1")])
    for other in (
        event(shop_id="uci", user_id="u1"),
        event(shop_id="demo", user_id="u2", client_id="c1"),
        event(shop_id="demo", client_id="c2"),
    ):
        assert suppression.anonymous(other) is other
    visitor = event(shop_id="demo", user_id=None, client_id="c1")
    assert suppression.anonymous(visitor).client_id != "c1"


def test_a_damaged_list_stops_the_writers(suppression):
    suppression.path.parent.mkdir()
    suppression.path.write_text("{")
    with pytest.raises(SuppressionError, match="damaged"):
        suppression.refresh(now=True)


def test_the_consumer_counts_nobody(suppression):
    suppression.add([("demo", CUSTOMER, "u1")])
    mine, other = event(user_id="u1"), event(user_id="u2")
    records = [(n, NOON_MS, None, msgspec.json.encode(one)) for n, one in enumerate((mine, other))]
    batch = BatchReader({"demo": SHOP}, suppression).read(0, 0, records)
    assert [(one.offset, one.event.user_id) for one in map(Accepted._make, batch.accepted)] == [(0, None), (1, "u2")]
    assert batch.accepted[0][1].event_id == suppression.event_id("demo", mine.event_id)


def test_a_rebuild_from_the_archive_counts_nobody(suppression, tmp_path):
    mine = event(user_id="u1")
    archive = Archive(tmp_path / "lake", LOG, {"demo": SHOP})
    archive.write([Archived(0, 0, mine), Archived(0, 1, event(user_id="u2"))], {0: 2})
    archive.close()
    suppression.add([("demo", CUSTOMER, "u1")])
    batch = next(refill.batches(ArchivedLog(tmp_path / "lake", LOG.topic_id), Claim(0, "test", 0), 2, [], suppression))
    assert [one.event.user_id for one in batch.accepted] == [None, "u2"]


def test_the_archiver_keeps_nobody(suppression, tmp_path):
    archiver = Archiver(WORKER, replace(suppression._settings), flush_rows=10, flush_seconds=1)
    archiver.archive, archiver._commit = Archive(tmp_path / "lake", LOG, {"demo": SHOP}), lambda: None
    suppression.add([("demo", CUSTOMER, "u1")])
    archiver.rows, archiver.ends = [Archived(0, 0, event(user_id="u1")), Archived(0, 1, event(user_id="u2"))], {0: 2}
    archiver.flush()
    archiver.archive.close()
    assert [one.user_id for _, one in ArchivedLog(tmp_path / "lake", LOG.topic_id).events(0, 0, 2)] == [None, "u2"]


def test_rows_of_a_batch_run_are_nobodys(suppression):
    suppression.add([("demo", CUSTOMER, "u1"), ("demo", CLIENT, "c1")])
    table = pa.table({
        "user_id": ["u1", "u2", None, None, "erased-1"],
        "client_id": ["c1", "c1", "c1", "c2", "erased-1"],
        "session_id": ["s1", "s2", "s3", "s4", None],
        "transaction_id": ["t1", None, None, None, None],
        "event_id": [str(uuid.UUID(int=n)) for n in range(5)],
    })  # fmt: skip
    mask = suppressed_rows.of_erased(table, suppression.of_now(), "demo")
    assert mask.to_pylist() == [True, False, True, False, True], "a token in the customer's place is no customer"
    found = suppressed_rows.anonymous(table, mask, suppression, "demo")
    assert found["user_id"].to_pylist() == [None, "u2", None, None, None]
    assert found["transaction_id"].to_pylist()[0] == suppression.token("demo", "transaction_id", "t1")
    assert found["client_id"].to_pylist()[2:] == [suppression.token("demo", "client_id", "c1"), "c2", "erased-1"]
    assert not suppressed_rows.of_erased(table, suppression, "uci")[0].as_py()


def test_while_nobody_is_erased_nothing_is_sent_to_executors(suppression):
    assert suppression.of_now() is None

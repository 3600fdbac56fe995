"""The quick reader and ``stream.read`` give the same verdict on every message, and the same event."""

import json
import random

import msgspec
import pytest
from shop_events import NOON, SHOP, event, purchase

from ecommerce import events, stream
from ecommerce.event_reader import EventReader
from ecommerce.events import Refused
from ecommerce.shops import Shop

SHOPS = {"demo": SHOP, "odd": Shop("odd", "Odd", "UTC", "eur"), "uci": Shop("uci", "UCI", "Europe/London", "GBP")}
WRITTEN = int(NOON.timestamp() * 1000)
STRANGE = [
    None, "", "x" * 201, "x" * 501, "a\x00b", "a\x1fb", "a\nb", "line\n", "a\x7fb", 'quote"', "back\\slash", "\\n", "é", "😀", 0, 1, -1, 2,
    1.5, 10**30, True, [], {}, "demo", "uci", "odd", "nobody", "EUR", "eur", "GBP", "purchase", "adjustment", "refund", "page_view", "party",
    "1.00", "-1", "1.23456", "9999999999999", "99999999999999", "1e3", " 1", "٣",
    "2026-06-01T12:05:00Z", "2026-06-01T12:05:00.000001Z", "2026-06-01T14:00:00+02:00", "2026-06-01T12:00:00", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00",
    "01890000-0000-7000-8000-00000000000A", "01890000-0000-7000-8000-0000000000 0", "0189000-00000-7000-8000-000000000000",
    "01890000-0000-7000-8000-00000000000", "018900000000700080000000000000000000", "01890000-0000-7000-8000-00000000000\n",
]  # fmt: skip


def both(raws: list[bytes | None], written=WRITTEN) -> tuple[list, list]:
    """What the reader makes of ``raws`` in one call, and ``stream.read`` of each: by offset, the event or the refusal."""
    accepted, refused = EventReader(SHOPS).read([(offset, written, b"key", raw) for offset, raw in enumerate(raws)])
    assert accepted == sorted(accepted, key=lambda found: found[0])
    ours = dict(accepted) | {record[0]: (why.reason, why.detail) for record, why in refused}
    theirs = {}
    for offset, raw in enumerate(raws):
        try:
            theirs[offset] = stream.read(raw, written, SHOPS)
        except Refused as why:
            theirs[offset] = (why.reason, why.detail)
    return [_comparable(ours[offset]) for offset in sorted(ours)], [_comparable(theirs[offset]) for offset in sorted(theirs)]


def _comparable(verdict):
    return verdict if isinstance(verdict, tuple) else msgspec.structs.asdict(verdict)


def changed(rng: random.Random) -> bytes:
    """A valid message with a few fields, or fields of its items, set to something strange."""
    made = rng.choice([event(), event("view_item"), purchase("T1"), event("adjustment"), event("refund")])
    fields = json.loads(events.encode(made))
    for _ in range(rng.randrange(3)):
        target = rng.choice(fields["items"]) if fields.get("items") and isinstance(fields["items"], list) and rng.random() < 0.4 else fields
        name = rng.choice([*events.Item.__struct_fields__] if target is not fields else [*events.Event.__struct_fields__, "unknown"])
        if rng.random() < 0.15:
            target.pop(name, None)
        else:
            target[name] = rng.choice(STRANGE)
    text = json.dumps(fields, ensure_ascii=rng.random() < 0.5, separators=rng.choice([(",", ":"), (", ", ": ")]))
    return text.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("seed", range(20))
def test_the_same_verdicts_and_events_on_strange_messages(seed):
    rng = random.Random(seed)
    ours, theirs = both([changed(rng) for _ in range(50)])
    assert ours == theirs


@pytest.mark.parametrize(
    "raw", [None, b"", b"{", b"\xff", b"null", b"NaN", b"[" * 50_000, b'{"a":' * 10_000, b" " * (events.MAX_BYTES + 1), b"{}", b'"\\ud800"']
)
def test_the_same_verdict_on_what_is_no_event(raw):
    good = events.encode(event())
    ours, theirs = both([good, raw, good])
    assert ours == theirs


def test_a_batch_of_nothing_but_garbage_is_refused_by_both():
    ours, theirs = both([b"x" * 1_000_000])
    assert ours == theirs
    ours, theirs = both([None, b"{"])
    assert ours == theirs


def test_items_that_are_not_utf_8_are_refused_by_both():
    raw = events.encode(event("view_item")).replace(b"Mug", b"M\xffg")
    ours, theirs = both([raw, raw])
    assert ours == theirs


def test_the_future_is_judged_by_each_record_s_own_time():
    ahead = events.encode(event(minutes=6))
    records = [(0, WRITTEN + 120_000, None, ahead), (1, WRITTEN, None, ahead), (2, 0, None, ahead), (3, WRITTEN + 120_000, None, ahead)]
    accepted, refused = EventReader(SHOPS).read(records)
    assert [offset for offset, _ in accepted] == [0, 2, 3]
    assert [record[0] for record, _ in refused] == [1]


def test_nothing_usual_is_left_to_the_slow_way(monkeypatch):
    """The negative control of the speed: a valid message of each kind never reaches stream.read."""
    monkeypatch.setattr(stream, "read", None)
    raws = [events.encode(made) for made in (event(), event("view_item"), purchase("T1"), event("refund"), event("adjustment"))]
    accepted, refused = EventReader(SHOPS).read([(offset, WRITTEN, None, raw) for offset, raw in enumerate(raws)])
    assert len(accepted) == len(raws)
    assert not refused

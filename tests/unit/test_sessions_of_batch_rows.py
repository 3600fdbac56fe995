"""Accepted events become sessions: how far each came, what its first event says, and nothing across days."""

import random
from datetime import UTC, date, datetime, timedelta

import facts
import judging
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import sessioning

DAY = date(2026, 1, 5)
MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)
TEXTS = ("shop_id", "session_id", "event_id", "event_name", "page", *sessioning.EARLIEST)
SCHEMA = pa.schema(
    [(name, pa.string()) for name in TEXTS]
    + [("date", pa.date32()), ("event_time", pa.timestamp("us", tz="UTC")), ("item_index", pa.int32())]
)
FUNNEL = ("view_item", "add_to_cart", "begin_checkout", "purchase")


def event(name: str, minute: int, event_id: str = "e", **more) -> dict:
    fixed = {"shop_id": "demo", "date": DAY, "session_id": "s", "event_time": MIDNIGHT + timedelta(minutes=minute), "item_index": 0}
    return {**fixed, "event_name": name, "event_id": event_id, **more}


def sessions(*rows: dict) -> list[dict]:
    table = judging.in_order_of_time(pa.Table.from_pylist(list(rows), SCHEMA))
    days = [table.filter(pc.equal(table["date"], day)) for day in pc.unique(table["date"]).to_pylist()]
    return [row for day in days for made in facts.of_a_day(facts.OF_SESSIONS[:1], day).values() for row in made.to_pylist()]


def steps(*names_and_minutes: tuple[str, int]) -> int:
    (found,) = sessions(*[event(name, minute, str(place)) for place, (name, minute) in enumerate(names_and_minutes)])
    return found["step"]


@pytest.mark.parametrize(
    ("step", "course"),
    [
        (0, [("page_view", 1), ("purchase", 2)]),
        (1, [("add_to_cart", 1), ("view_item", 2), ("begin_checkout", 3)]),
        (2, [("view_item", 1), ("begin_checkout", 2), ("add_to_cart", 3)]),
        (3, [("view_item", 1), ("add_to_cart", 2), ("begin_checkout", 3)]),
        (4, [("view_item", 1), ("add_to_cart", 2), ("begin_checkout", 3), ("purchase", 4)]),
        (4, [("view_item", 1), ("add_to_cart", 2), ("purchase", 3)]),
        (2, [("view_item", 1), ("purchase", 2), ("add_to_cart", 3)]),
        (4, [("purchase", 1), ("begin_checkout", 1), ("add_to_cart", 1), ("view_item", 1)]),
    ],
)
def test_a_session_reaches_the_steps_of_the_funnel_in_order(step: int, course: list):
    assert steps(*course) == step


def test_a_session_has_what_its_first_event_that_says_it_says_and_the_page_of_its_last():
    given = [
        event("page_view", 3, "c", country="France", device="mobile", page="/late"),
        event("page_view", 1, "b", country=None, client_id="later of two", page="/first"),
        event("page_view", 1, "a", country=None, client_id="first of two"),
        event("purchase", 4, "d", country="Italy", user_id="anna"),
    ]
    (found,) = sessions(*given)
    said = {name: found[name] for name in ("client_id", "customer_id", "country", "channel", "device", "exit_page")}
    assert said == {
        "client_id": "first of two", "customer_id": "anna", "country": "France", "channel": None, "device": "mobile", "exit_page": "/late",
    }  # fmt: skip
    assert (found["started_at"], found["ended_at"]) == (MIDNIGHT + timedelta(minutes=1), MIDNIGHT + timedelta(minutes=4))


def test_a_session_is_one_a_day_and_a_shop():
    tomorrow = DAY + timedelta(days=1)
    given = [event("page_view", 1), event("page_view", 2, shop_id="other"), event("page_view", 1441, date=tomorrow)]
    found = sessions(*given)
    assert [(row["shop_id"], row["date"], row["page_views"]) for row in found] == [
        ("demo", DAY, 1),
        ("other", DAY, 1),
        ("demo", tomorrow, 1),
    ]


def test_sessions_are_those_of_a_count_event_by_event():
    chance = random.Random(7)
    names = (*FUNNEL, "page_view", "remove_from_cart")
    given = [
        event(
            chance.choice(names),
            chance.randrange(6),
            f"{number:03}",
            session_id=f"s{chance.randrange(40)}",
            channel=chance.choice(["Email", None]),
        )
        for number in range(400)
    ]
    expected = {}
    for one in sorted(given, key=lambda one: (one["event_time"], FUNNEL.index(one["event_name"]) if one["event_name"] in FUNNEL else -1)):
        row = expected.setdefault(one["session_id"], {"step": 0} | dict.fromkeys(sessioning.COUNTED.values(), 0))
        if one["event_name"] in sessioning.COUNTED:
            row[sessioning.COUNTED[one["event_name"]]] += 1
        reached = FUNNEL.index(one["event_name"]) + 1 if one["event_name"] in FUNNEL else 0
        if reached == row["step"] + 1 or (reached == 4 and row["step"] == 2):
            row["step"] = reached
    assert {row["session_id"]: {name: row[name] for name in expected["s0"]} for row in sessions(*given)} == expected

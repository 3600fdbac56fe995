import json
from datetime import UTC, datetime, timedelta

import pytest

from ecommerce.events import MAX_BYTES, Reason, Refused, decode, encode, money_text, money_units, validate
from ecommerce.shops import Shop

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHOPS = {"demo": Shop("demo", "Demo", "Europe/Berlin", "EUR")}
ITEM = {"item_id": "mug", "price": "1.50", "quantity": 2}
PURCHASE = {
    "event_id": "01890000-0000-7000-8000-000000000000", "schema_version": 1, "shop_id": "demo", "event_name": "purchase",
    "event_time": "2026-11-23T11:00:00Z", "client_id": "c1", "session_id": "s1", "currency": "EUR", "transaction_id": "t1",
    "items": [ITEM],
}  # fmt: skip
ABSENT = object()


def message(**changes) -> bytes:
    return json.dumps({name: value for name, value in {**PURCHASE, **changes}.items() if value is not ABSENT}).encode()


def accept(raw: bytes):
    event = decode(raw)
    validate(event, SHOPS, NOW)
    return event


def test_an_event_of_the_contract_is_accepted_and_survives_encoding():
    event = accept(message(user_id="u1", tax="0.24", items=[{**ITEM, "discount": "0.5"}]))
    assert decode(encode(event)) == event
    assert event.key == b"demo:c1"


def test_a_field_that_this_version_does_not_know_is_tolerated():
    assert accept(message(utm_term="mugs")).event_id == PURCHASE["event_id"]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"[1", Reason.BAD_TYPE),
        (b"null", Reason.BAD_TYPE),
        (b'{"a": NaN}', Reason.NOT_JSON),
        (b"\xff\xfe", Reason.NOT_JSON),
        (b"", Reason.NOT_JSON),
        (message()[:-1] + b', "currency": "EUR"}', Reason.NOT_JSON),
        (message()[:-1] + b', "x": {"a": 1, "a": 2}}', Reason.NOT_JSON),
        (message()[:-1] + b', "x": "\xff"}', Reason.NOT_JSON),
        (message()[:-1] + b', "x": NaN}', Reason.NOT_JSON),
        (message()[:-1] + b', "x": ' + b"[" * 5000 + b"]" * 5000 + b"}", Reason.NOT_JSON),
        (message().decode().encode("utf-16"), Reason.NOT_JSON),
        (message(page="caf\u00e9").replace(b"\\u00e9", b"\xe9"), Reason.NOT_JSON),
        (message(page="\x00"), Reason.BAD_TYPE),
        (message(schema_version=10**400), Reason.UNKNOWN_VERSION),
        (b"[" * 60_000, Reason.BAD_TYPE),
        (b'{"a":' * 10_000, Reason.NOT_JSON),
        (b" " * (MAX_BYTES + 1), Reason.TOO_LARGE),
        (message(schema_version=2), Reason.UNKNOWN_VERSION),
        (message(schema_version=2, items="other shape"), Reason.UNKNOWN_VERSION),
        (message(shop_id="nobody"), Reason.UNKNOWN_SHOP),
        (message(event_name="party"), Reason.UNKNOWN_EVENT),
        (message(event_id=ABSENT), Reason.MISSING_FIELD),
        (message(items=[]), Reason.MISSING_FIELD),
        (message(transaction_id=ABSENT), Reason.MISSING_FIELD),
        (message(items=[{"item_id": "mug", "price": "1"}]), Reason.MISSING_FIELD),
        (message(client_id=7), Reason.BAD_TYPE),
        (message(client_id=""), Reason.BAD_TYPE),
        (message(client_id="a\x00b"), Reason.BAD_TYPE),
        (message(event_id="not a uuid"), Reason.BAD_TYPE),
        (message(items=[{**ITEM, "quantity": 10**30}]), Reason.BAD_TYPE),
        (message(items=[{**ITEM, "quantity": 0}]), Reason.BAD_TYPE),
        (message(items=[{**ITEM, "price": 1.5}]), Reason.BAD_MONEY),
        (message(items=[{**ITEM, "price": "1.23456"}]), Reason.BAD_MONEY),
        (message(items=[{**ITEM, "price": "-1"}]), Reason.BAD_MONEY),
        (message(items=[{**ITEM, "discount": "3.01"}]), Reason.BAD_MONEY),
        (message(items=[{**ITEM, "price": "9999999999999", "quantity": 1_000_000}]), Reason.BAD_MONEY),
        (message(event_name="adjustment", items=[{**ITEM, "price": "-9999999999999"}]), Reason.BAD_MONEY),
        (message(shipping="9999999999999"), Reason.BAD_MONEY),
        (message(tax="-0.01"), Reason.BAD_MONEY),
        (message(event_time="yesterday"), Reason.BAD_TIME),
        (message(event_time="2026-11-23T11:00:00"), Reason.BAD_TIME),
        (message(event_time=1_700_000_000), Reason.BAD_TIME),
        (message(event_time="9999-12-31T23:59:59Z"), Reason.BAD_TIME),
        (message(event_time="0001-01-01T00:00:00+14:00"), Reason.BAD_TIME),
        (message(event_time=(NOW + timedelta(minutes=5, seconds=1)).isoformat()), Reason.BAD_TIME),
        (message(currency="USD"), Reason.CURRENCY_MISMATCH),
    ],
)
def test_a_refused_message_has_exactly_one_reason(raw, reason):
    with pytest.raises(Refused) as refusal:
        accept(raw)
    assert refusal.value.reason == reason
    assert refusal.value.detail


def test_an_adjustment_may_be_negative():
    assert accept(message(event_name="adjustment", items=[{**ITEM, "price": "-5", "quantity": 1}])).items[0].price == "-5"


@pytest.mark.parametrize(("text", "units"), [("0", 0), ("1.5", 15_000), ("-0.0001", -1), ("9999999999999.9999", 99_999_999_999_999_999)])
def test_money_is_exact_in_units_of_a_ten_thousandth(text, units):
    assert money_units(text) == units
    assert money_units(money_text(units)) == units

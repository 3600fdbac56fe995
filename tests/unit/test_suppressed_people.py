"""An erased person's events keep counting without a trace of the person; everybody else's stay as they are."""

from dataclasses import replace

import pytest

from ecommerce.config import Settings
from ecommerce.suppression import CLIENT, CUSTOMER, Suppression, SuppressionError
from tests.shop_events import event


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

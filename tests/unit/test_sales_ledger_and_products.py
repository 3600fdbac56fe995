"""Parts that add up on the screen: the ledger, and products against net revenue."""

from datetime import date
from decimal import Decimal

from analytics import cards
from analytics.figures import Period, ShopDay
from analytics.ledger import ledger
from analytics.ranges import Days, Selection
from analytics.report import Report
from analytics.revisions import difference
from analytics.sales_cards import adds_up
from ecommerce.day_states import DayState, Run
from ecommerce.shops import Shop

TODAY, DAY = date(2026, 11, 23), date(2026, 11, 20)
SHOP = Shop("uci", "UCI", "Europe/London", "GBP")


def report(*counted):
    """A report of one day for each (measures, counted_by) of ``counted``."""
    days = tuple(ShopDay(DAY, DayState("final", ""), values, by) for values, by in counted)
    span = Days(DAY, DAY)
    return Report(SHOP, TODAY, Selection("custom", span, "none"), Period(span, days), None, span)


def measures(gross, discounts, refunds, adjustments, tax=None):
    names = ("gross_revenue", "discounts", "refunds", "adjustments", "tax", "shipping")
    values = dict(zip(names, [Decimal(gross), Decimal(discounts), Decimal(refunds), Decimal(adjustments), tax, None], strict=True))
    net = values["gross_revenue"] - values["discounts"] - values["refunds"] + values["adjustments"]
    return values | {"net_revenue": net, "orders": 1}


def test_the_ledgers_sentence_adds_up_to_the_last_digit():
    found = ledger(report((measures("6304826.0620", "0", "520770.5600", "-22124.1200"), "batch")))
    assert found.decimals == 3
    expected = "Gross £6,304,826.062 − discounts £0.000 − refunds £520,770.560 − adjustments £22,124.120 = net £5,761,931.382."
    assert found.sentence == expected


def test_the_ledgers_lines_sum_to_net_and_keep_tax_apart():
    found = ledger(report((measures("100", "7.20", "4.50", "24", Decimal("15.00")), "batch")))
    assert sum(line.amount for line in found.lines[:-1]) == found.lines[-1].amount == Decimal("112.30")
    assert [(line.title, line.amount) for line in found.apart] == [("Tax, apart", Decimal("15.00")), ("Shipping, apart", None)]
    assert "+ adjustments £24.00" in found.sentence


def test_what_belongs_to_no_product_is_named():
    found = report((measures("100", "0", "0", "-9.20"), "batch"), (measures("50", "0", "0", "0"), "live"))
    expected = "Adjustments and days counted live belong to no product: Products £100.00 − adjustments £9.20 + days counted live £50.00"
    assert adds_up(found, Decimal(100)) == f"{expected} = net revenue £140.80."


def test_lines_without_a_product_are_named_too():
    assert "+ lines without a product £1.00" in adds_up(report((measures("100", "0", "0", "0"), "batch")), Decimal(99))


def test_bars_are_on_one_scale_and_refunded_products_have_none():
    values = [Decimal(8), Decimal(4), Decimal(-2)]
    assert [cards.bar(value, cards.longest(values)).fill for value in values] == ["100.0%", "50.0%", "0%"]


def test_a_revision_says_by_how_much():
    run = Run("r2", "kafka", None, {"net_revenue": ["100.00", "184.20"], "orders": [10, 13]}, False, ())
    assert difference(ShopDay(DAY, DayState("revised", "", run)), "GBP") == "+£84.20 net, +3 orders"
    assert difference(ShopDay(DAY, DayState("final", "", run)), "GBP") == ""

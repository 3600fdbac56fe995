from decimal import Decimal

import pytest

from ecommerce.metrics import METRICS, ratio

MEASURES = {
    "gross_revenue": Decimal("110"), "discounts": Decimal("10"), "refunds": Decimal("5"), "orders": 4,
    "sessions": 100, "sessions_with_cart": 10, "sessions_with_order": 4,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"), [("average_order_value", "25"), ("conversion_rate", "0.04"), ("cart_abandonment", "0.6"), ("refund_rate", "0.05")]
)
def test_a_ratio_follows_its_definition(name, value):
    assert ratio(name, MEASURES) == Decimal(value)


def test_a_ratio_of_an_absent_measure_or_of_nothing_is_unknown():
    assert ratio("conversion_rate", {**MEASURES, "sessions": None}) is None
    assert ratio("average_order_value", {**MEASURES, "orders": 0}) is None


def test_every_metric_is_defined_once():
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert all(metric.definition.endswith(".") for metric in METRICS)

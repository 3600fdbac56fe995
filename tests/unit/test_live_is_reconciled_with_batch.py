from ecommerce.reconciliation import compare

MEASURES = {"orders": 3, "gross_revenue": "30.0000", "visitors": 10_000, "sessions": None}


def snapshot(orders=3, gross="30.0000", visitors=10_000, late=0):
    return {
        "measures": {"orders": orders, "gross_revenue": gross},
        "estimates": {"visitors": visitors, "sessions": 12_000},
        "totals": {"late": late},
    }


def agreeing(found):
    return {one.measure: one.agrees for one in found}


def test_equal_sums_agree_and_what_the_batch_lacks_is_left_out():
    assert agreeing(compare(snapshot(), MEASURES)) == {"orders": True, "gross_revenue": True, "visitors": True}


def test_the_smallest_difference_of_a_sum_is_seen():
    assert agreeing(compare(snapshot(gross="30.0001"), MEASURES))["gross_revenue"] is False
    assert agreeing(compare(snapshot(orders=4), MEASURES))["orders"] is False


def test_an_estimate_agrees_within_three_standard_errors():
    assert agreeing(compare(snapshot(visitors=10_243), MEASURES))["visitors"] is True
    assert agreeing(compare(snapshot(visitors=10_245), MEASURES))["visitors"] is False


def test_late_events_explain_a_difference():
    (orders,) = [one for one in compare(snapshot(orders=2, late=1), MEASURES) if one.measure == "orders"]
    assert not orders.agrees
    assert orders.explanation.startswith("1 late events")

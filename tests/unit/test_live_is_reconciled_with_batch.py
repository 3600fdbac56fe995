from shop_events import NOON, SHOP, purchase

from ecommerce.archive import Archive, Archived
from ecommerce.reconciliation import compare, from_archive
from ecommerce.stream import Log

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


def archive_of(tmp_path, *records):
    store = Archive(tmp_path, Log("cluster", "shop.events", "a1830353-1866-43f9-b035-8e0756cbe183", 2), {"demo": SHOP})
    rows = [Archived(*record) for record in records]
    store.write(rows, {number: max(r.offset for r in rows if r.partition == number) + 1 for number in {r.partition for r in rows}})
    store.close()
    return tmp_path


def test_late_events_that_make_up_a_difference_explain_it(tmp_path):
    early, late, copy = purchase("T1"), purchase("T2"), purchase("T3")
    root = archive_of(tmp_path, (0, 0, early), (0, 1, late), (1, 0, copy), (1, 1, copy), (1, 2, purchase("T3")))
    (rows,) = [from_archive(root, SHOP, NOON.date(), {(0, 1)})]
    assert (rows.live["orders"], rows.batch["orders"], rows.batch["gross_revenue"]) == (2, 3, 60)
    assert rows.differing == (f"purchase {late.event_id} at 0/1 (late)",)
    (orders, *_) = [one for one in compare(snapshot(orders=2), {"orders": 3}, lambda: rows) if one.measure == "orders"]
    assert (orders.agrees, orders.explanation) == (False, f"1 events: purchase {late.event_id} at 0/1 (late)")


def test_a_late_copy_of_what_was_counted_explains_nothing(tmp_path):
    copy = purchase("T1")
    rows = from_archive(archive_of(tmp_path, (0, 0, copy), (1, 0, copy)), SHOP, NOON.date(), {(0, 0)})
    assert rows.live == rows.batch
    assert len(rows.differing) == 2


def test_a_difference_that_no_row_makes_up_stays_unexplained(tmp_path):
    rows = from_archive(archive_of(tmp_path, (0, 0, purchase("T1")), (0, 1, purchase("T2"))), SHOP, NOON.date(), {(0, 1)})
    assert [one.explanation for one in compare(snapshot(orders=5), {"orders": 2}, lambda: rows)] == [""]
    assert [one.explanation for one in compare(snapshot(orders=5), {"orders": 2})] == [""]


def test_what_the_batch_refused_is_told_by_partition_and_offset(tmp_path):
    kept, refused = purchase("T1"), purchase("T2")
    rows = from_archive(archive_of(tmp_path, (0, 7, kept), (1, 7, refused)), SHOP, NOON.date(), set(), {(1, 7)})
    assert (rows.live["orders"], rows.batch["orders"]) == (2, 1)
    assert rows.differing == (f"purchase {refused.event_id} at 1/7 (refused)",)


def test_a_day_of_another_source_is_compared_with_what_came_through_kafka(tmp_path):
    rows = from_archive(archive_of(tmp_path, (0, 0, purchase("T1"))), SHOP, NOON.date(), set())
    (orders,) = compare(snapshot(orders=1), {"orders": 900}, lambda: rows)
    assert orders.explanation.startswith("replayed")

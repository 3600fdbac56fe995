"""What the shop sells: enough products, exact prices, a few of them far more popular."""

from collections import Counter
from random import Random

from ecommerce.events import money_units
from ecommerce.simulator.catalogue import catalogue


def test_products_are_many_distinct_and_exactly_priced():
    goods = catalogue("demo", 42)
    assert 200 <= len(goods.products) <= 400
    assert len({p.item_id for p in goods.products}) == len({p.name for p in goods.products}) == len(goods.products)
    assert len({p.category for p in goods.products}) >= 10
    assert all(p.price > 0 and money_units(i.price) == p.price * 100 for p, i in zip(goods.products, goods.items, strict=True))


def test_popularity_is_skewed():
    goods, rng = catalogue("demo", 42), Random(1)
    counts = Counter(goods.pick(rng) for _ in range(20_000))
    top = sum(count for _, count in counts.most_common(len(goods.products) // 10))
    assert 0.25 < top / 20_000 < 0.6
    assert len(counts) == len(goods.products)


def test_another_seed_is_another_catalogue():
    assert catalogue("demo", 42).products != catalogue("demo", 43).products

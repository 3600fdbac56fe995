"""What the simulated shop sells: products with categories, brands, exact prices and a skewed popularity."""

from __future__ import annotations

from bisect import bisect
from functools import lru_cache
from itertools import accumulate
from random import Random
from typing import NamedTuple

from faker import Faker

from ecommerce.events import Item

CATEGORIES: dict[str, tuple[tuple[int, int], tuple[str, ...]]] = {
    "Audio": ((1900, 24900), ("Headphones", "Earbuds", "Speaker", "Soundbar", "Turntable", "Microphone")),
    "Computing": ((1200, 89900), ("Keyboard", "Mouse", "Monitor", "Laptop Stand", "Webcam", "Docking Station")),
    "Kitchen": ((900, 19900), ("Kettle", "Coffee Grinder", "Saucepan", "Chef's Knife", "Blender", "Mixing Bowl")),
    "Home": ((700, 14900), ("Table Lamp", "Cushion", "Blanket", "Wall Clock", "Storage Box", "Candle Holder")),
    "Garden": ((500, 12900), ("Watering Can", "Pruning Shears", "Planter", "Hand Fork", "Bird Feeder", "Lantern")),
    "Outdoor": ((1500, 34900), ("Backpack", "Tent", "Sleeping Bag", "Headlamp", "Camping Stove", "Water Bottle")),
    "Sports": ((800, 15900), ("Yoga Mat", "Dumbbell", "Skipping Rope", "Football", "Bicycle Helmet", "Foam Roller")),
    "Clothing": ((1200, 17900), ("T-shirt", "Jumper", "Rain Jacket", "Jeans", "Scarf", "Cap")),
    "Shoes": ((3900, 18900), ("Trainers", "Hiking Boots", "Sandals", "Loafers", "Slippers", "Rain Boots")),
    "Beauty": ((400, 6900), ("Hand Cream", "Shampoo", "Face Serum", "Lip Balm", "Soap Bar", "Perfume")),
    "Toys": ((600, 9900), ("Puzzle", "Board Game", "Building Blocks", "Kite", "Doll's House", "Yo-yo")),
    "Stationery": ((200, 4900), ("Notebook", "Fountain Pen", "Desk Calendar", "Pencil Case", "Sketchbook", "Ruler")),
}  # fmt: skip
"""Each category: cheapest and dearest price in cents, and what it holds."""

EDITIONS = ("Classic", "Compact", "Pro", "Eco", "Travel")
ENDINGS = (99, 99, 95, 90, 50, 0)
SHELF_SIZE = 4
COMPANION_SHARE = 0.4


class Product(NamedTuple):
    """One product; ``price`` is in cents of the shop's currency, ``companions`` are places in the catalogue."""

    item_id: str
    name: str
    category: str
    brand: str
    price: int
    companions: tuple[int, ...]

    def item(self, quantity: int = 1, discount: int = 0) -> Item:
        """The wire item of ``quantity`` units, ``discount`` cents off the whole line."""
        return Item(
            item_id=self.item_id,
            item_name=self.name,
            item_category=self.category,
            item_brand=self.brand,
            price=cents_text(self.price),
            quantity=quantity,
            discount=cents_text(discount) if discount else "0",
        )


class Catalogue:
    """All products of a shop, drawn by popularity (a product's chance falls with its rank, as in Zipf's law)."""

    def __init__(self, products: list[Product], ranks: list[int]) -> None:
        self.products = products
        self.items = [product.item() for product in products]
        self._cumulative = list(accumulate(1 / (rank + 8) ** 0.9 for rank in ranks))
        self._shelves = self._make_shelves()

    def pick(self, rng: Random) -> int:
        """Place of a product, popular ones more often."""
        return bisect(self._cumulative, rng.random() * self._cumulative[-1])

    def companion(self, rng: Random, place: int) -> int:
        """Place of another product that sells well with the one at ``place``."""
        if rng.random() < COMPANION_SHARE:
            companions = self.products[place].companions
            return companions[int(rng.random() * len(companions))]
        other = self.pick(rng)
        return other if other != place else self.products[place].companions[0]

    def shelf(self, rng: Random, place: int) -> list[Item]:
        """Items of one list page of the category of the product at ``place``."""
        shelves = self._shelves[self.products[place].category]
        return shelves[int(rng.random() ** 2 * len(shelves))]

    def _make_shelves(self) -> dict[str, list[list[Item]]]:
        by_category: dict[str, list[Item]] = {}
        for product, item in zip(self.products, self.items, strict=True):
            by_category.setdefault(product.category, []).append(item)
        return {
            category: [items[start : start + SHELF_SIZE] for start in range(0, len(items), SHELF_SIZE)]
            for category, items in by_category.items()
        }  # fmt: skip


@lru_cache(maxsize=4)
def catalogue(shop_id: str, seed: int) -> Catalogue:
    """The catalogue of ``shop_id`` under ``seed``: the same in every process."""
    rng = Random(f"{shop_id}|{seed}|catalogue")
    fake = Faker("en_GB")
    fake.seed_instance(f"{shop_id}|{seed}|brands")
    brands = [fake.unique.last_name() for _ in range(4 * len(CATEGORIES))]
    products: list[Product] = []
    for number, (category, ((low, high), nouns)) in enumerate(CATEGORIES.items()):
        for noun in nouns:
            for edition in rng.sample(EDITIONS, 4):
                brand = brands[4 * number + rng.randrange(4)]
                item_id = f"SKU-{1001 + len(products)}"
                products.append(Product(item_id, f"{brand} {edition} {noun}", category, brand, _price(rng, low, high), ()))
    companions = [tuple(rng.sample([p for p in range(len(products)) if p != place], 3)) for place in range(len(products))]
    products = [product._replace(companions=companions[place]) for place, product in enumerate(products)]
    return Catalogue(products, rng.sample(range(len(products)), len(products)))


def _price(rng: Random, low: int, high: int) -> int:
    """A price in cents with a usual ending, cheap ones more often."""
    whole = round(low * (high / low) ** (rng.random() ** 1.3)) // 100
    return max(whole, 1) * 100 + ENDINGS[rng.randrange(len(ENDINGS))]


def cents_text(cents: int) -> str:
    """``cents``, not negative, as a decimal string with two places."""
    return f"{cents // 100}.{cents % 100:02d}"

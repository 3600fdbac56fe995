"""The three steps of the first run; each is over once its result can be seen, and the strip goes with the last."""

from __future__ import annotations

from dataclasses import dataclass

from analytics.scope import fetch
from ecommerce import lake
from ecommerce.config import settings
from ecommerce.shops import Shop

RUNS = """
    SELECT coalesce(bool_or(source IN ('simulated', 'kafka')), false), coalesce(bool_or(source NOT IN ('simulated', 'kafka')), false)
    FROM warehouse.etl_run WHERE status = 'published'"""
_over: set[str] = set()
"""Lake folders of platforms whose first run is over: asked once, then known."""


@dataclass(frozen=True)
class Step:
    title: str
    text: str
    command: str
    done: bool


def steps(shop: Shop) -> list[Step]:
    """The three steps for ``shop``, done or to do; [] once all are done. One query until then."""
    place = str(settings().lake_dir)
    if place in _over:
        return []
    ((triggered, loaded),) = fetch(RUNS, [])
    found = [
        Step("Send traffic", "The Live page moves within a second.", _producer(shop), _has_traffic(shop)),
        Step("Run the ETL", "A day becomes final: facts, marts and checks.", f"ecommerce etl --shop {shop.shop_id}", triggered),
        Step("Load your own files", "A folder says how to read them; docs/sources.md shows one.", _own(shop), loaded),
    ]
    if all(one.done for one in found):
        _over.add(place)
        return []
    return found


def _has_traffic(shop: Shop) -> bool:
    return next(iter(lake.days(settings().lake_dir, "kafka", shop.shop_id)), None) is not None


def _producer(shop: Shop) -> str:
    return f".venv/bin/python kafka_scripts/producer.py --shop {shop.shop_id} --rate 50"


def _own(shop: Shop) -> str:
    return f"ecommerce etl --shop {shop.shop_id} --source path/to/source --input path/to/files --from DAY --to DAY"

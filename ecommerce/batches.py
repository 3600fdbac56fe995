"""From records of the events topic to a batch that the live state can apply."""

from __future__ import annotations

from collections.abc import Mapping

from ecommerce import stream
from ecommerce.event_reader import EventReader
from ecommerce.live import Batch, Refusal
from ecommerce.record_batches import Record
from ecommerce.shops import Shop
from ecommerce.suppression import Suppression


class BatchReader:
    """Decodes and validates; what is refused is kept apart with its reason and shop-day, erased people stay erased."""

    def __init__(self, shops: Mapping[str, Shop], suppression: Suppression) -> None:
        self._shops, self.suppression = shops, suppression
        self._events = EventReader(shops)

    def read(self, partition: int, first: int, records: list[Record]) -> Batch:
        """``records`` of one partition, in order; none lies between offset ``first`` and the first of them."""
        accepted, unaccepted = self._events.read(records)
        refused = []
        for (offset, timestamp, _, value), why in unaccepted:
            place = stream.shop_day_of_refused(value, timestamp, self._shops) or (None, None)
            refused.append(Refusal(offset, why.reason, why.detail, *place))
        return Batch(partition, first, records[-1][0] + 1, self.suppression.filtered(accepted), refused)

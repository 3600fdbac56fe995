"""The live state in Redis: exact sums of what Kafka delivered, by minute, hour and day of each shop.

``LiveState`` reads it; ``LiveWriter`` writes it, one atomic step a partition and batch.
"""

from ecommerce.live.aggregate import Accepted, Batch, Refusal
from ecommerce.live.generations import new_generation
from ecommerce.live.keys import CHANNEL
from ecommerce.live.progress import Progress
from ecommerce.live.snapshot import LiveState
from ecommerce.live.writer import Claim, LiveWriter, Moved, OnRefused, Origin, Stale, StateError, Step, Torn

__all__ = [
    "CHANNEL",
    "Accepted",
    "Batch",
    "Claim",
    "LiveState",
    "LiveWriter",
    "Moved",
    "OnRefused",
    "Origin",
    "Progress",
    "Refusal",
    "Stale",
    "StateError",
    "Step",
    "Torn",
    "new_generation",
]

"""The simulated shop: whole days, deterministic in (shop, date, seed), and endless live traffic."""

from ecommerce.simulator.days import day_events, write_day
from ecommerce.simulator.live import stream

__all__ = ["day_events", "stream", "write_day"]

"""The marts' queries as the rivals run them."""

from __future__ import annotations

import re


def counting_distinct(query: str) -> str:
    """A mart's ``query`` on order lines without the columns that say which line is an order's first: it counts distinct orders."""
    return re.sub(
        r"count_if\(line_type = 'purchase' AND first_of_\w+\)",
        "count(DISTINCT transaction_id) FILTER (WHERE line_type = 'purchase')",
        query,
    )

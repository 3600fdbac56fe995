"""The marts' queries as the rivals run them."""

from __future__ import annotations

import re


def counting_distinct(query: str) -> str:
    """A mart's ``query`` on order lines without the columns that say which line is an order's first: it counts distinct orders."""
    counted = r"count_if\(line_type = 'purchase' AND first_of_\w+\)"
    query = re.sub(counted, "count(DISTINCT transaction_id) FILTER (WHERE line_type = 'purchase')", query)
    lines = r"SELECT (/\*\+[^*]*\*/ )?((?:(?!SELECT).)*?)\s+AND first_of_product\b"
    return re.sub(lines, r"SELECT \1DISTINCT \2", query, flags=re.DOTALL)


FIRST_LINES = ("first_of_product", "first_of_category")
"""Those columns: a rival's rows have any value in them."""

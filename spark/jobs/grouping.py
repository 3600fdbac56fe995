"""Runs on executors: rows of an Arrow table in groups. Sent by value; imports are local."""

from __future__ import annotations

from typing import Any

from judging import codes


class Groups:
    """The rows of a table, not empty, with those of a group one after another, otherwise in the order that they came in.

    ``rows``: the table; ``firsts``, ``sizes``: the place of each group's first row, and its rows; ``of_row``: each row's group.
    """

    def __init__(self, rows: Any, *keys: str) -> None:
        import numpy as np

        number = _numbers(*(rows[key] for key in keys))
        order = np.argsort(number, kind="stable")
        number = number[order]
        self.rows = rows.take(order).combine_chunks()
        self.firsts = np.flatnonzero(np.diff(number, prepend=-1))
        self.sizes = np.diff(self.firsts, append=len(rows))
        self.of_row = np.repeat(np.arange(len(self.firsts)), self.sizes)

    def first(self, name: str, mask: Any = None) -> Any:
        """The value on the first row of each group, or on the first of those in ``mask`` (NULL where none is)."""
        import numpy as np

        return self._at(name, self.firsts if mask is None else self._place(np.minimum, mask, len(self.rows)))

    def last(self, name: str, mask: Any = None) -> Any:
        """The value on the last row of each group, or on the last of those in ``mask`` (NULL where none is)."""
        import numpy as np

        return self._at(name, self.firsts + self.sizes - 1 if mask is None else self._place(np.maximum, mask, -1))

    def _place(self, which: Any, mask: Any, otherwise: int) -> Any:
        import numpy as np

        return which.reduceat(np.where(mask, np.arange(len(self.rows)), otherwise), self.firsts)

    def _at(self, name: str, places: Any) -> Any:
        import pyarrow as pa

        return self.rows[name].take(pa.array(places, mask=(places < 0) | (places == len(self.rows))))

    def aggregated(self, *asked: tuple[str, str]) -> list[Any]:
        """Arrow's aggregations (column, function) of each group: exact for decimals, NULL where every value is."""
        import pyarrow as pa

        found = self.rows.append_column("_group", pa.array(self.of_row)).group_by("_group", use_threads=False).aggregate(list(asked))
        return [found[f"{column}_{function}"] for column, function in asked]


def largest(groups: Groups, name: str) -> Any:
    """The largest text of each group by its bytes, as Spark compares; NULL where every value is."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.unique(groups.rows[name]).drop_null()
    texts = texts.take(pc.sort_indices(texts))
    ranks = pc.fill_null(pc.index_in(groups.rows[name], value_set=texts), -1).to_numpy()
    best = np.maximum.reduceat(ranks, groups.firsts)
    return texts.take(pa.array(best, mask=best < 0))


def firsts(*keys: Any) -> Any:
    """Whether each row is the first with its ``keys``."""
    import numpy as np

    number = _numbers(*keys)
    found = np.zeros(len(number), bool)
    found[np.unique(number, return_index=True)[1]] = True
    return found


def _numbers(*keys: Any) -> Any:
    """A number for each row; those with equal keys have the same."""
    import numpy as np

    number = 0
    for key in keys:
        code = codes(key).astype(np.int64)
        number = number * (code.max() + 1) + code
    return number

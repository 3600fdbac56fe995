"""Notices when reading has stopped for good though records wait.

kafka-python 3.0.12 has been seen, on a machine at 15 times its load, to take up a partition and then fetch nothing for minutes,
without an error and without a request under way; a new client reads at once.
"""

from __future__ import annotations

from collections.abc import Mapping

LOOKS = 3
"""So many looks in a row, each with records waiting at an unmoved position, are a stall."""


class StallWatch:
    """Compares, look after look, where the reader stands with where the log ends."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, int]] = {}

    def unmoved(self, positions: Mapping[int, int]) -> bool:
        """Whether any partition stands where the last look found it, so that the log's ends are worth asking for."""
        return any(self._seen.get(partition, (None, 0))[0] == position for partition, position in positions.items())

    def stalled(self, positions: Mapping[int, int], ends: Mapping[int, int]) -> list[int]:
        """The partitions that did not move in the last ``LOOKS`` looks while records waited for them.

        ``positions`` and ``ends`` give the next offset to read and the log's end by partition.
        """
        seen, self._seen = self._seen, {}
        for partition, position in positions.items():
            before, count = seen.get(partition, (None, 0))
            waits = ends.get(partition, position) > position
            self._seen[partition] = position, (count if before == position else 0) + 1 if waits else 0
        return sorted(partition for partition, (_, count) in self._seen.items() if count > LOOKS)

    def forget(self) -> None:
        """Begin anew, as after joining the group again."""
        self._seen = {}

"""Records of a fetch decoded a whole batch at a time, at a quarter of the cost of kafka-python's one object a record.

``use`` puts it under a KafkaConsumer, whose ``poll`` then returns plain tuples, headers left out. It takes the place of one inner class
of kafka-python, which is therefore pinned to the version this was written against; the setting ``record_decoder=client``
goes back to the library's own way. Fetching, positions, checksums and transactions stay the library's.
Format: https://kafka.apache.org/39/documentation.html#recordbatch
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from kafka import KafkaConsumer
from kafka.consumer.fetcher import ConsumerRecord, Fetcher
from kafka.errors import CorruptRecordError
from kafka.protocol.consumer import IsolationLevel
from kafka.record.util import decode_varint

from ecommerce.config import ConfigError

Record = tuple[int, int, bytes | None, bytes | None]
"""Offset, timestamp (milliseconds since 1970), key and value."""


def use(consumer: KafkaConsumer, decoder: str) -> Callable[[list], list[Record]]:
    """Decode for ``consumer`` by ``decoder``; gives what makes of a list that ``poll`` returned one of :data:`Record`.

    Raises:
        ConfigError: ``decoder`` is neither batches nor client.
    """
    if decoder not in ("batches", "client"):
        raise ConfigError(f"ECOMMERCE_RECORD_DECODER={decoder!r}: it is batches or client")
    if decoder == "client":
        return plain
    consumer._fetcher.PartitionRecords = BatchRecords
    return list


def plain(records: list[ConsumerRecord]) -> list[Record]:
    """The same of kafka-python's own records."""
    return [(record.offset, record.timestamp, record.key, record.value) for record in records]


class BatchRecords(Fetcher.PartitionRecords):
    """What one fetch brought of one partition, one list of records a batch."""

    _left: list[Record] = []  # noqa: RUF012  what was decoded and not taken yet; replaced, never changed in place
    _past = 0

    def take(self, n: int | None = None) -> list[Record]:
        """Up to ``n`` records, in order. An error is raised after the records before it were taken."""
        self._maybe_raise_next_inline_exception()
        taken: list[Record] = []
        try:
            while n is None or len(taken) < n:
                if not self._left:
                    self._left = next(self.record_iterator, [])
                    if not self._left:
                        break
                room = len(self._left) if n is None else n - len(taken)
                taken += self._left[:room]
                self._left = self._left[room:]
                self.next_fetch_offset = taken[-1][0] + 1
        except Exception as error:
            if not taken:
                raise
            self._next_inline_exception = error
        self.records_read += len(taken)
        return taken

    def _maybe_skip_record(self, _records: list[Record]) -> bool:
        return False

    def _unpack_records(self, tp: Any, records: Any, *_deserializers: Any) -> Iterator[list[Record]]:
        """The records of each batch that the isolation level lets through, from ``fetch_offset`` on."""
        last = None
        while (batch := records.next_batch()) is not None:
            if self.check_crcs and not batch.validate_crc():
                raise CorruptRecordError(f"Record batch for partition {tp} at offset {batch.base_offset} failed crc check")
            self.bytes_read += batch.size_in_bytes
            last = batch
            if batch.magic == 2 and self._skips(batch):
                self.next_fetch_offset = batch.next_offset
                continue
            found = decode(batch) if batch.magic == 2 else plain(list(batch))
            if found and found[0][0] < self.fetch_offset:
                found = [record for record in found if record[0] >= self.fetch_offset]
            if found:
                yield found
        if last is not None and last.magic == 2:
            self.next_fetch_offset = last.next_offset
        self.drain()

    def _skips(self, batch: Any) -> bool:
        """Control batches, and with read_committed those of aborted transactions."""
        self.leader_epoch = batch.leader_epoch
        if self.isolation_level == IsolationLevel.READ_COMMITTED and batch.has_producer_id():
            self._consume_aborted_transactions_up_to(batch.last_offset)
            if self._contains_abort_marker(batch):
                self.aborted_producer_ids.discard(batch.producer_id)
            elif self._is_batch_aborted(batch):
                return True
        return batch.is_control_batch


def decode(batch: Any) -> list[Record]:
    """The records of ``batch``, a DefaultRecordBatch of kafka-python (message format 2).

    Raises:
        CorruptRecordError: its lengths do not add up.
    """
    batch._maybe_uncompress()
    data, position = bytes(batch._buffer), batch._pos
    fixed = batch.max_timestamp if batch.timestamp_type == batch.LOG_APPEND_TIME else None
    try:
        records, end = _records(data, position, batch.records_count, batch.base_offset, batch.first_timestamp)
    except (IndexError, ValueError) as error:
        raise CorruptRecordError(f"record batch at offset {batch.base_offset}: {error}") from error
    if end != len(data):
        raise CorruptRecordError(f"record batch at offset {batch.base_offset}: {len(data) - end} bytes after its last record")
    return records if fixed is None else [(offset, fixed, key, value) for offset, _, key, value in records]


def _records(data: bytes, pos: int, count: int, base: int, first: int) -> tuple[list[Record], int]:
    """``count`` records from ``pos`` on, and where they end. Varints of one and two bytes are read in place: this is the hot loop.

    Fields of a record: length, attributes (one byte, unused), timestamp and offset as deltas, key, value, headers.
    """
    records: list[Record] = []
    append = records.append
    for _ in range(count):
        low, high = data[pos], data[pos + 1]
        if low < 128:
            length, pos = low >> 1, pos + 1
        elif high < 128:
            length, pos = (low & 127 | high << 7) >> 1, pos + 2
        else:
            length, pos = decode_varint(data, pos)
        end = pos + length

        low, high = data[pos + 1], data[pos + 2]
        if low < 128:
            number, pos = low, pos + 2
            timestamp = first + ((number >> 1) ^ -(number & 1))
        elif high < 128:
            number, pos = low & 127 | high << 7, pos + 3
            timestamp = first + ((number >> 1) ^ -(number & 1))
        else:
            number, pos = decode_varint(data, pos + 1)
            timestamp = first + number

        low, high = data[pos], data[pos + 1]
        if low < 128:
            offset, pos = base + (low >> 1), pos + 1
        elif high < 128:
            offset, pos = base + ((low & 127 | high << 7) >> 1), pos + 2
        else:
            number, pos = decode_varint(data, pos)
            offset = base + number

        low = data[pos]
        if low < 128 and not low & 1:
            low, pos = low >> 1, pos + 1
        else:
            low, pos = decode_varint(data, pos)
        key = None
        if low >= 0:
            key, pos = data[pos : pos + low], pos + low

        low, high = data[pos], data[pos + 1]
        if low > 127 and high < 128 and not low & 1:
            low, pos = (low & 127 | high << 7) >> 1, pos + 2
        else:
            low, pos = decode_varint(data, pos)
        value = None
        if low >= 0:
            value, pos = data[pos : pos + low], pos + low

        pos = pos + 1 if data[pos] == 0 else _after_headers(data, pos)
        if pos != end:
            raise ValueError(f"record {offset} ends at byte {pos}, not {end}")
        append((offset, timestamp, key, value))
    return records, pos


def _after_headers(data: bytes, pos: int) -> int:
    """Where the headers that begin at ``pos`` end."""
    count, pos = decode_varint(data, pos)
    if count < 0:
        raise ValueError(f"{count} headers")
    for _ in range(count):
        length, pos = decode_varint(data, pos)
        if length < 0:
            raise ValueError(f"a header's name of {length} bytes")
        length, pos = decode_varint(data, pos + length)
        pos += max(length, 0)
    return pos

"""Both decoders of fetched record batches give the same records and positions, whatever the batches look like."""

import random
from types import SimpleNamespace

import pytest
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.protocol.consumer import IsolationLevel
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.structs import TopicPartition

from ecommerce.config import ConfigError
from ecommerce.record_batches import BatchRecords, plain, use

PLACE = TopicPartition("events", 3)
NONE, GZIP, ZSTD = 0, 1, 4


def a_batch(base: int, records: list, codec: int = NONE, **producer) -> bytearray:
    """One record batch from offset ``base``; ``records`` are (offset delta, timestamp, key, value, headers)."""
    state = {"is_transactional": False, "producer_id": -1, "producer_epoch": -1, "base_sequence": -1, **producer}
    builder = DefaultRecordBatchBuilder(2, codec, batch_size=1 << 24, **state)
    for delta, timestamp, key, value, headers in records:
        assert builder.append(delta, timestamp, key, value, headers)
    data = builder.build()
    data[0:8] = base.to_bytes(8, "big")
    return data


def some_records(seed: int, count: int = 100) -> list:
    """Gaps, disorder, absent and empty keys and values, all lengths of varint, headers."""
    rng, delta, made = random.Random(seed), 0, []
    for _ in range(count):
        key = rng.choice([None, b"", b"k", rng.randbytes(70), rng.randbytes(9000)])
        value = rng.choice([None, b"", b"v", rng.randbytes(63), rng.randbytes(64), rng.randbytes(470), rng.randbytes(17_000)])
        headers = rng.choice([[], [], [("reason", b"x"), ("none", None), ("", b"")]])
        made.append((delta, 1_700_000_000_000 + rng.choice([0, 1, -1, 63, 64, -65, 9000, -9000, 10**10]), key, value, headers))
        delta += rng.choice([1, 1, 1, 2, 70, 9000])
    return made


def taken(kind, data, n, fetch_offset=0, **options):
    """What ``kind`` hands out of ``data``, ``n`` records at a time, each with the position after it."""
    part = kind(fetch_offset, PLACE, MemoryRecords(bytes(data)), **options)
    found = []
    while part:
        records = part.take(n)
        found.append((records if kind is BatchRecords else plain(records), part.next_fetch_offset))
    return found, part.records_read


@pytest.mark.parametrize("codec", [NONE, GZIP, ZSTD])
@pytest.mark.parametrize("n", [1, 7, 300, 5000, None])
def test_the_same_records_and_positions(codec, n):
    batches = [a_batch(10, some_records(1), codec), a_batch(3_000_000, some_records(2), codec)]
    data = b"".join(batches)
    assert taken(BatchRecords, data, n) == taken(Fetcher.PartitionRecords, data, n)


@pytest.mark.parametrize("fetch_offset", [0, 10, 11, 500, 3_000_000, 3_000_001, 9_000_000])
def test_reading_from_the_middle_of_a_batch(fetch_offset):
    data = a_batch(10, some_records(1)) + a_batch(3_000_000, some_records(2))
    ours, theirs = (taken(kind, data, 50, fetch_offset)[0] for kind in (BatchRecords, Fetcher.PartitionRecords))
    assert [record for records, _ in ours for record in records] == [record for records, _ in theirs for record in records]
    assert ours[-1][1] == theirs[-1][1]


def test_records_of_aborted_transactions_are_left_out():
    transaction = {"is_transactional": True, "producer_epoch": 0, "base_sequence": 0}
    kept, aborted = (a_batch(base, some_records(base, 3), producer_id=who, **transaction) for base, who in ((0, 7), (50_000, 8)))
    options = {
        "isolation_level": IsolationLevel.READ_COMMITTED,
        "aborted_transactions": [SimpleNamespace(producer_id=8, first_offset=50_000)],
    }
    ours, theirs = (taken(kind, kept + aborted, 100, **options) for kind in (BatchRecords, Fetcher.PartitionRecords))
    assert ours == theirs
    assert ours[1] == 3


def test_log_append_time_is_the_batch_s():
    data = a_batch(0, some_records(5, 4))
    data[22] |= 0x08
    assert taken(BatchRecords, data, 9, check_crcs=False) == taken(Fetcher.PartitionRecords, data, 9, check_crcs=False)


def test_a_damaged_batch_is_an_error_after_the_good_ones():
    damaged = a_batch(500, [(0, 1, b"k", b"value", [])])
    damaged[-3] ^= 1
    part = BatchRecords(0, PLACE, MemoryRecords(bytes(a_batch(0, some_records(3, 5)) + damaged)))
    assert len(part.take(100)) == 5
    with pytest.raises(CorruptRecordError, match="offset 500"):
        part.take(100)


@pytest.mark.parametrize("place", range(61, 75))
def test_lengths_that_do_not_add_up_are_an_error(place):
    data = a_batch(0, [(0, 1, b"key", b"value", [])])
    data[place] ^= 0x41 if place in (61, 65, 69) else 0
    if place in (61, 65, 69):
        with pytest.raises(CorruptRecordError):
            BatchRecords(0, PLACE, MemoryRecords(bytes(data)), check_crcs=False).take(1)


def test_an_unknown_decoder_is_refused_by_name():
    with pytest.raises(ConfigError, match="batches or client"):
        use(None, "fast")

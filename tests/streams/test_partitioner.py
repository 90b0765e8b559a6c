"""Keys stand where Kafka's default partitioner puts them."""

from __future__ import annotations

from collections import Counter

import pytest

from streams.partitioner import murmur2, partition_of


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_is_kafka_s_when_hashing_its_own_test_keys(key: bytes, expected: int) -> None:
    assert murmur2(key) == expected & 0xFFFFFFFF


def test_partition_spreads_keys_when_they_are_many() -> None:
    counts = Counter(partition_of(f"job-{n}", 24) for n in range(24_000))
    assert set(counts) == set(range(24))
    assert max(counts.values()) < 1.2 * min(counts.values())

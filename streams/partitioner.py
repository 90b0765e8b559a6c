"""Which partition a key stands on: murmur2 as in Kafka's default partitioner, so that both runtimes agree."""

from __future__ import annotations

import struct
from functools import lru_cache

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Kafka's 32-bit murmur2, unsigned."""
    length = len(data)
    h = _SEED ^ length
    words = length >> 2
    for k in struct.unpack_from(f"<{words}I", data):
        k = k * _M & _MASK
        h = (h * _M ^ (k ^ k >> 24) * _M) & _MASK
    tail = data[words << 2 :]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


@lru_cache(maxsize=16384)  # a job's events share its key
def partition_of(key: str, partitions: int) -> int:
    """The partition of a key. Fixed for ever: a key that moved to another partition would lose its order."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions

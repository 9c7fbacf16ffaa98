"""Which shard an entity belongs to: the partition that Kafka's default gives its key."""

from __future__ import annotations

_MASK = 0xFFFFFFFF
_SEED = 0x9747B28C
_FACTOR = 0x5BD1E995


def shard_of(key: bytes, shards: int) -> int:
    """Pick the shard in [0, shards) of a key, as `BuiltInPartitioner` of Apache Kafka does."""
    return (murmur2(key) & 0x7FFFFFFF) % shards if shards > 1 else 0


def murmur2(data: bytes) -> int:
    """Hash as `org.apache.kafka.common.utils.Utils.murmur2`: a signed 32-bit number."""
    whole = len(data) & ~3
    state = _SEED ^ len(data)
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * _FACTOR & _MASK
        word = (word ^ word >> 24) * _FACTOR & _MASK
        state = state * _FACTOR & _MASK ^ word
    if whole < len(data):
        state = (state ^ int.from_bytes(data[whole:], "little")) * _FACTOR & _MASK
    state = (state ^ state >> 13) * _FACTOR & _MASK
    state ^= state >> 15
    return state - (1 << 32) if state >> 31 else state

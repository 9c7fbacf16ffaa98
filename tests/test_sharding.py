from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.sharding import murmur2, shard_of

# The cases of UtilsTest.testMurmur2 in Apache Kafka.
KAFKA_CASES = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("data", "expected"), KAFKA_CASES.items())
def test_murmur2_is_that_of_kafka(data: bytes, expected: int) -> None:
    assert murmur2(data) == expected


@given(st.binary(max_size=64))
def test_murmur2_is_a_signed_32_bit_number(data: bytes) -> None:
    assert -(2**31) <= murmur2(data) < 2**31


@given(st.binary(max_size=64), st.integers(1, 64))
def test_shard_of_any_key_exists(key: bytes, shards: int) -> None:
    assert 0 <= shard_of(key, shards) < shards


def test_shard_of_a_negative_hash_drops_the_sign_bit() -> None:
    assert shard_of(b"21", 7) == (-973932308 & 0x7FFFFFFF) % 7


def test_shard_of_spreads_keys() -> None:
    counts = Counter(shard_of(f"user-{number}".encode(), 4) for number in range(4000))
    assert min(counts.values()) > 850

"""Reaching Redis, and telling why it could not be reached."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.exceptions import RedisError

from flows.errors import StoreError


def connect(url: str) -> redis.Redis:
    """Make a client with bounded waits; nothing is sent before its first use."""
    return redis.Redis.from_url(
        url, socket_timeout=5, socket_connect_timeout=5, health_check_interval=15
    )


@contextmanager
def failures(attempt: str) -> Iterator[None]:
    """Turn Redis errors into a StoreError that says what was attempted."""
    try:
        yield
    except RedisError as error:
        raise StoreError(
            f"Redis failed to {attempt}: {error}; check REALTIME_REDIS_URL and the server"
        ) from error

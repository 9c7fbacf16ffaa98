"""Which batch model a project's flow is to test beside its own; one value in Redis.

realtime:<project>:batch     the number of a registered version; 0 for none
"""

from __future__ import annotations

from typing import Any

import redis

from flows.stores.connection import failures


class BatchStore:
    """Reads and writes the wish. Raises StoreError when Redis does not answer."""

    def __init__(self, client: redis.Redis, project: str) -> None:
        self._redis: Any = client
        self._key = f"realtime:{project}:batch"

    def want(self, version: int) -> None:
        """Have a version tested by the flow; 0 for none."""
        with failures("say which batch model is to be tested"):
            self._redis.set(self._key, version)

    def wanted(self) -> int | None:
        """The version to be tested; None when nobody has said so, since Redis began."""
        with failures("read which batch model is to be tested"):
            raw = self._redis.get(self._key)
        return None if raw is None else int(raw)

    def suggest(self, version: int) -> None:
        """Have a version tested unless somebody has said what is to be."""
        with failures("say which batch model is to be tested"):
            self._redis.set(self._key, version, nx=True)

"""Server-sent events: the newest facts to each page, as they change.

Nothing is queued: a client that reads slowly is sent what is newest when it has read the last.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import msgspec
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.answers import moment
from api.life import FactsNow, facts_or_nothing
from flows.errors import StoreError
from flows.stores.live import STATUS_SECONDS

if TYPE_CHECKING:
    from api.platform import Served

MOST_STREAMS = 100
LOOK_SECONDS = 0.25
# Proxies end what is silent; and no stream outlives a page that has been forgotten.
QUIET_SECONDS = 15.0
LONGEST_SECONDS = 600.0
RETRY_MILLISECONDS = 2_000


class Streams:
    """All open streams of an app; they end when it is told to leave."""

    def __init__(self) -> None:
        self.open_now = 0
        self._leaving = False

    def leave(self) -> None:
        """End all streams, within LOOK_SECONDS."""
        self._leaving = True

    def open(self, served: Served, shard: int) -> StreamingResponse:
        """Answer with a stream. Raises StoreError when there are too many."""
        if self.open_now >= MOST_STREAMS:
            raise StoreError(f"{MOST_STREAMS} pages are told of events already; try later")
        return _Stream(self, self._events(served, shard))

    async def _events(self, served: Served, shard: int) -> AsyncIterator[bytes]:
        yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
        began = told_at = time.monotonic()
        told = b""
        while not self._leaving and time.monotonic() - began < LONGEST_SECONDS:
            facts = facts_now(served, shard)
            key = msgspec.json.encode(msgspec.structs.replace(facts, time=moment(0)))
            if key != told:
                told, told_at = key, time.monotonic()
                yield b"event: facts\ndata: " + msgspec.json.encode(facts) + b"\n\n"
            elif time.monotonic() - told_at > QUIET_SECONDS:
                told_at = time.monotonic()
                yield b": still here\n\n"
            await asyncio.sleep(LOOK_SECONDS)


class _Stream(StreamingResponse):
    """Counts itself while it is sent, however that ends."""

    def __init__(self, streams: Streams, events: AsyncIterator[bytes]) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(events, headers=headers, media_type="text/event-stream")
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._streams.open_now += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams.open_now -= 1


def facts_now(served: Served, shard: int) -> FactsNow:
    """What is known at this moment."""
    follower = served.follower
    loaded, status = follower.loaded(shard), follower.status(shard)
    if status is not None and time.time() - status.time > STATUS_SECONDS:
        status = None
    running = status.state if status else "stale"
    return FactsNow(
        time=moment(time.time()),
        state=running if loaded else "absent",
        wanted=follower.wanted,
        events_per_second=status.events_per_second if status else None,
        lag=status.lag if status else None,
        **facts_or_nothing(loaded.facts if loaded else None),
    )

"""Whether a flow gets on: it does while epochs close, running or paused, with events or without.

A flow that waits for the lake or for Kafka is alive, since starting it again would bring nobody
back; it is only not ready.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from flows.health_server import Check
from flows.streaming.instruments import LAST_EPOCH

READY_SECONDS = 60.0


class Pulse:
    """When this process last closed an epoch, and when it last tried to, in vain."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._closed: float | None = None
        self._alive = clock()
        self._reason = "it has just been started"

    def closed(self) -> None:
        """An epoch is committed."""
        self._closed = self._alive = self._clock()
        self._reason = "nobody knows why"
        LAST_EPOCH.set_to_current_time()

    def waits(self, reason: object) -> None:
        """Something that must be done before the epoch closes is tried again."""
        self._alive = self._clock()
        self._reason = str(reason)

    def checks(self, stall_seconds: float) -> dict[str, Check]:
        """Is it ready, for what starts and watches it; is it alive, for what ends it."""
        return {"/readyz": self._unready, "/healthz": lambda: self._stalled(stall_seconds)}

    def _unready(self) -> str:
        if self._closed is None:
            return f"no epoch has closed yet: {self._reason}"
        age = self._clock() - self._closed
        return f"no epoch has closed for {age:.0f} s: {self._reason}" * (age > READY_SECONDS)

    def _stalled(self, seconds: float) -> str:
        age = self._clock() - self._alive
        return f"no epoch has closed, and nothing was tried, for {age:.0f} s" * (age > seconds)


PULSE = Pulse()

"""How fast a flow goes and how far behind it is."""

from __future__ import annotations

import time

from flows.stores.live import Status, Wanted
from flows.streaming.messages import Learned

BEAT_SECONDS = 1.0


class Progress:
    """Counts one shard's events and tells, once a second, how it does."""

    def __init__(self) -> None:
        self._events = 0
        self._since = time.monotonic()
        self._rate = 0.0
        self._lags: dict[str, int | None] = {}

    def add(self, learned: Learned) -> None:
        """Count what one poll brought."""
        self._events += len(learned.events)
        self._lags[str(learned.source)] = learned.lag

    def beat(self, state: Wanted) -> Status | None:
        """The heartbeat, when the last one is a second ago. The rate is smoothed over seconds."""
        elapsed = time.monotonic() - self._since
        if elapsed < BEAT_SECONDS:
            return None
        self._rate += (self._events / elapsed - self._rate) * min(1.0, elapsed / 5)
        self._events, self._since = 0, time.monotonic()
        lags = [lag for lag in self._lags.values() if lag is not None]
        return Status(
            time=time.time(),
            state=state,
            events_per_second=round(self._rate, 2),
            lag=sum(lags) if lags else None,
        )

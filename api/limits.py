"""How often each client may come."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

CLIENTS = 10_000


class Buckets:
    """A bucket of tokens for each client: `rate` flow in a second, two seconds' worth fit in.

    Knows at most CLIENTS; who came longest ago is forgotten, and starts anew with a full bucket.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._size = max(1.0, 2 * rate)
        self._clock = clock
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> int | None:
        """Take a token; where there is none, returns after how many whole seconds there is."""
        now = self._clock()
        tokens, then = self._held.pop(client, (self._size, now))
        tokens = min(self._size, tokens + (now - then) * self.rate)
        enough = tokens >= 1
        self._held[client] = (tokens - 1 if enough else tokens, now)
        if len(self._held) > CLIENTS:
            self._held.popitem(last=False)
        return None if enough else math.ceil((1 - tokens) / self.rate)

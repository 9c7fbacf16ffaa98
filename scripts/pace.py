"""Doing something a given number of times a second, on average and over any rate."""

from __future__ import annotations

import time
from collections.abc import Callable

SHORTEST_SLEEP = 0.005
LONGEST_SLEEP = 0.2


class Pace:
    """`rate` turns a second, without end of haste for 0.

    It sleeps at least SHORTEST_SLEEP, so that fast rates come in small bursts, and makes up for
    every sleep that was too long, so that the average holds.
    """

    def __init__(
        self,
        rate: float,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = rate
        self._sleep = sleep
        self._clock = clock
        self._start = clock()
        self._turns = 0

    def due(self) -> bool:
        """Whether it is time for the next turn, which is then taken; else sleeps a little."""
        if self._rate:
            ahead = self._start + self._turns / self._rate - self._clock()
            if ahead > 0:
                self._sleep(min(max(ahead, SHORTEST_SLEEP), LONGEST_SLEEP))
                return False
        self._turns += 1
        return True

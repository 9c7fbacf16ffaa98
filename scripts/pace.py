"""Doing something a given number of times a second, on average and over any rate."""

from __future__ import annotations

import time
from collections.abc import Callable

SHORTEST_SLEEP = 0.005
LONGEST_SLEEP = 0.2


class Pace:
    """`rate` turns a second, without end of haste for 0.

    It sleeps at least SHORTEST_SLEEP, so that fast rates come in small bursts, and makes up for
    every sleep that was too long, so that the average holds. What was missed while it was paused
    or had another rate is not made up for.
    """

    def __init__(
        self,
        rate: float,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.paused = False
        self._base = rate
        self._rate = rate
        self._sleep = sleep
        self._clock = clock
        self._extra = 0
        self._hurry_ends: float | None = None
        self._begin_anew()

    @property
    def rate(self) -> float:
        """Turns a second, as they are now."""
        return self._rate

    def due(self) -> bool:
        """Whether it is time for the next turn, which is then taken; else sleeps a little."""
        if self._extra:
            self._extra -= 1
            return True
        if self.paused:
            self._sleep(LONGEST_SLEEP)
            return False
        if self._hurry_ends is not None and self._clock() >= self._hurry_ends:
            self.change(self._base)
        if self._rate:
            ahead = self._start + self._turns / self._rate - self._clock()
            if ahead > 0:
                self._sleep(min(max(ahead, SHORTEST_SLEEP), LONGEST_SLEEP))
                return False
        self._turns += 1
        return True

    def change(self, rate: float) -> None:
        """Go at another rate from now on."""
        self._base = self._rate = rate
        self._hurry_ends = None
        self._begin_anew()

    def hurry(self, factor: float, seconds: float) -> None:
        """Go `factor` times as fast for so many seconds."""
        self._rate = self._base * factor
        self._hurry_ends = self._clock() + seconds
        self._begin_anew()

    def burst(self, turns: int) -> None:
        """Take so many turns at once, beside all others, even while paused."""
        self._extra += turns

    def pause(self) -> None:
        """Take no more turns."""
        self.paused = True

    def resume(self) -> None:
        """Go on as before the pause."""
        if self.paused:
            self.paused = False
            self._begin_anew()

    def _begin_anew(self) -> None:
        self._start = self._clock()
        self._turns = 0

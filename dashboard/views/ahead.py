"""Making what nobody has asked for yet, in the time that a server has to spare."""

from __future__ import annotations

import time
from collections.abc import Callable

RATIO = 4.0
"""A server rests so many times as long as it has made something ahead."""


class Spare:
    """Time to spare, which all pages of a server share.

    However many pages there are, whoever waits for something finds the server free for most of
    the time.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._rested = 0.0

    def use(self, work: Callable[[], None]) -> bool:
        """Do something that nobody waits for, if there is time; whether it was done."""
        began = self._now()
        if began < self._rested:
            return False
        work()
        ended = self._now()
        self._rested = ended + RATIO * (ended - began)
        return True


SPARE = Spare()
"""That of this process."""

"""Ending a command on SIGTERM or SIGINT when it is ready to end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(slots=True)
class Stop:
    """Whether somebody asked for the end; loops look at it between two pieces of work."""

    requested: bool = False

    def request(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Ask for the end; a signal handler."""
        self.requested = True


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Turn signals into a Stop, until the block ends. For the main thread only."""
    stop = Stop()
    before = {number: signal.signal(number, stop.request) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

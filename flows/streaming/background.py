"""Work that must not hold up the worker: done by a thread, again and again until it succeeds."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from flows.errors import StoreError

T = TypeVar("T")

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0

_log = logging.getLogger("flows")


class Latest(Generic[T]):
    """A thread with one place: a newer value replaces one that has not been dealt with.

    `work` is called with each value and repeated, with growing pauses, while it raises StoreError
    and nothing newer has come.
    """

    def __init__(self, name: str, work: Callable[[T], None]) -> None:
        self._name = name
        self._work = work
        self._value: T | None = None
        self._busy = False
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def offer(self, value: T) -> None:
        """Hand over a value; returns at once."""
        with self._changed:
            self._value = value
            self._changed.notify_all()

    def drain(self, seconds: float) -> bool:
        """Wait until all offered is done; False when it takes longer than that."""
        with self._changed:
            return self._changed.wait_for(lambda: self._value is None and not self._busy, seconds)

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            value = self._take()
            try:
                self._work(value)
            except StoreError as error:
                _log.warning("%s: %s; trying again in %.1f s", self._name, error, pause)
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                self._finish(again=value)
            except Exception:
                _log.exception("%s gave a value up", self._name)
                self._finish()
            else:
                pause = FIRST_PAUSE
                self._finish()

    def _take(self) -> T:
        with self._changed:
            self._changed.wait_for(lambda: self._value is not None)
            value, self._value, self._busy = self._value, None, True
        assert value is not None  # noqa: S101
        return value

    def _finish(self, again: T | None = None) -> None:
        with self._changed:
            self._busy = False
            if self._value is None:
                self._value = again
            self._changed.notify_all()

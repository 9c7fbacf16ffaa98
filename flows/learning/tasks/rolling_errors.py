"""Means over the newest errors: so many of them, or so many seconds."""

from __future__ import annotations

from collections import deque
from math import floor, fsum, sqrt


class RollingErrors:
    """Mean, and root of the mean square, of the newest `size` errors."""

    def __init__(self, size: int) -> None:
        self._errors: deque[float] = deque(maxlen=size)

    def add(self, error: float) -> None:
        """Count one error, and let go of the oldest when there are too many."""
        self._errors.append(error)

    def mean(self) -> float:
        """Mean of those that are kept; needs one."""
        return fsum(self._errors) / len(self._errors)

    def root_mean_square(self) -> float:
        """Root of the mean square of those that are kept; needs one."""
        return sqrt(fsum(error * error for error in self._errors) / len(self._errors))


class TimedErrors:
    """Mean of the errors of the newest `seconds` of event time, however many there are.

    Errors are summed by whole seconds. One that comes late counts as of the newest second.
    """

    def __init__(self, seconds: int) -> None:
        self._length = seconds
        self._seconds: deque[list[float]] = deque()

    def add(self, error: float, time: float) -> None:
        """Count one error at a time in seconds."""
        second = floor(time)
        seconds = self._seconds
        if seconds and second <= seconds[-1][0]:
            newest = seconds[-1]
            newest[1] += error
            newest[2] += 1
            return
        seconds.append([second, error, 1])
        while seconds[0][0] <= second - self._length:
            seconds.popleft()

    def mean(self) -> float:
        """Mean of those that are recent; needs one."""
        return fsum(each[1] for each in self._seconds) / sum(each[2] for each in self._seconds)

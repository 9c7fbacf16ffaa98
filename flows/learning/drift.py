"""Notices that predictions have become worse, or better, than they used to be."""

from __future__ import annotations

from collections import deque
from typing import Any

from river import drift

Alarm = dict[str, Any]
"""What changed: detector, what it watched, events learned, event time, values before and after."""

ALARMS_KEPT = 100
ERRORS_AVERAGED = 16
MEANS_BETWEEN_LOOKS = 4
RECENT_MEANS = 8


class ErrorDrift:
    """ADWIN over the learner's errors: rings when their mean in a recent window has moved.

    Fed with the means of 16 errors, which costs a sixteenth and, for a window of hundreds, sees as
    much. Bifet and Gavaldà (2007), "Learning from time-changing data with adaptive windowing".
    An alarm tells the mean of the newest RECENT_MEANS beside that of the window, which holds mostly
    what was before; then the window begins anew.
    """

    def __init__(self, delta: float = 1e-4) -> None:
        self._delta = delta
        self._detector = self._fresh_detector()
        self._recent: deque[float] = deque(maxlen=RECENT_MEANS)
        self._sum = 0.0
        self._count = 0

    def update(self, error: float) -> Alarm | None:
        """Watch one error; returns the alarm that it raises, if any."""
        self._sum += error
        self._count += 1
        if self._count < ERRORS_AVERAGED:
            return None
        mean, self._sum, self._count = self._sum / self._count, 0.0, 0
        before = self._detector.estimation
        self._detector.update(mean)
        self._recent.append(mean)
        if not self._detector.drift_detected:
            return None
        self._detector = self._fresh_detector()
        after = sum(self._recent) / len(self._recent)
        return {"detector": "ADWIN", "watched": "error", "before": before, "after": after}

    def _fresh_detector(self) -> drift.ADWIN:
        return drift.ADWIN(delta=self._delta, clock=MEANS_BETWEEN_LOOKS)

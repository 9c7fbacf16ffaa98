"""Notices that a stream has changed, and keeps what it noticed."""

from __future__ import annotations

from collections import deque
from typing import Any

from river import drift

ALARMS_KEPT = 100
ERRORS_AVERAGED = 16


class ErrorDrift:
    """ADWIN over the learner's errors: rings when their mean in a recent window has moved.

    Fed with the means of 16 errors, which costs a sixteenth and, for a window of hundreds, sees as
    much. Bifet and Gavaldà (2007), "Learning from time-changing data with adaptive windowing".
    """

    def __init__(self, delta: float = 1e-4) -> None:
        self._detector = drift.ADWIN(delta=delta)
        self._sum = 0.0
        self._count = 0
        self.alarms: deque[dict[str, Any]] = deque(maxlen=ALARMS_KEPT)

    def update(self, error: float, events_learned: int) -> None:
        """Watch one error; `events_learned` dates the alarm it may raise."""
        self._sum += error
        self._count += 1
        if self._count == ERRORS_AVERAGED:
            self._watch(self._sum / self._count, events_learned)
            self._sum, self._count = 0.0, 0

    def _watch(self, mean: float, events_learned: int) -> None:
        before = self._detector.estimation
        self._detector.update(mean)
        if self._detector.drift_detected:
            self.alarms.append(
                {
                    "detector": "ADWIN",
                    "watched": "error",
                    "events_learned": events_learned,
                    "before": before,
                    "after": self._detector.estimation,
                }
            )

"""Notices that a stream has changed, and keeps what it noticed."""

from __future__ import annotations

from collections import deque
from typing import Any

from river import drift

ALARMS_KEPT = 100


class ErrorDrift:
    """ADWIN over the learner's errors: rings when their mean in a recent window has moved.

    Bifet and Gavaldà (2007), "Learning from time-changing data with adaptive windowing".
    """

    def __init__(self, delta: float = 1e-4) -> None:
        self._detector = drift.ADWIN(delta=delta)
        self.alarms: deque[dict[str, Any]] = deque(maxlen=ALARMS_KEPT)

    def update(self, error: float, events_learned: int) -> None:
        """Watch one error; `events_learned` dates the alarm it may raise."""
        before = self._detector.estimation
        self._detector.update(error)
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

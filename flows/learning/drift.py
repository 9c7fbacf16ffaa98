"""Notices that predictions have become worse, or better, than they used to be."""

from __future__ import annotations

from collections import deque
from typing import Any

from river import drift

from flows.learning.upward_change import UpwardChange

Alarm = dict[str, Any]
"""What changed: detector, what it watched, events learned, event time, values before and after."""

ALARMS_KEPT = 100
ERRORS_AVERAGED = 16
MEANS_BETWEEN_LOOKS = 4
RECENT_MEANS = 8


class ErrorDrift:
    """Watches the learner's errors: rings when their mean has moved.

    ADWIN finds slow and small changes, and those for the better (Bifet and Gavaldà 2007, "Learning
    from time-changing data with adaptive windowing"); a cumulative sum finds sooner that errors
    have gone far up. Both are fed with the means of 16 errors, which costs a sixteenth and sees as
    much. An alarm tells the mean before the change and since, for ADWIN those of its window and of
    the newest RECENT_MEANS; then both begin anew.
    """

    def __init__(self, delta: float = 1e-4) -> None:
        self._delta = delta
        self._detector = self._fresh_detector()
        self._upward = UpwardChange()
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
        return self._changed(mean)

    def _changed(self, mean: float) -> Alarm | None:
        before, upward = self._detector.estimation, self._upward
        self._detector.update(mean)
        self._recent.append(mean)
        if upward.update(mean):
            return self._begin_anew("CUSUM", upward.mean, upward.mean_since)
        if self._detector.drift_detected:
            return self._begin_anew("ADWIN", before, sum(self._recent) / len(self._recent))
        return None

    def _begin_anew(self, detector: str, before: float, after: float) -> Alarm:
        self._detector, self._upward = self._fresh_detector(), UpwardChange()
        return {"detector": detector, "watched": "error", "before": before, "after": after}

    def _fresh_detector(self) -> drift.ADWIN:
        return drift.ADWIN(delta=self._delta, clock=MEANS_BETWEEN_LOOKS)

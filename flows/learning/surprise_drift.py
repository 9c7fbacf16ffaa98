"""Notices that rare events, which used to be foreseen, are so no longer."""

from __future__ import annotations

from math import log

from flows.learning.drift import Alarm

WARM_UP = 2_000
MEMORY = 5_000
FIRST_RATE, FIRST_WEIGHT = 0.005, 400
USUAL, UNUSUAL = 0.5, 4.0
ALARM = 5.0
MOST = 0.95


class SurpriseDrift:
    """CUSUM of how much likelier outcomes are if surprises have become many times more frequent.

    For classifiers: an error is one minus the probability that was given to what happened; beyond
    one half it is a surprise. Against the predicted probabilities, with half the usual rate of
    surprises added, it holds those with four times that rate added. So a handful of positives that
    were thought impossible ring, where a mean over errors needs hundreds. Page (1954), "Continuous
    inspection schemes".
    """

    def __init__(self, limit: float = ALARM) -> None:
        self._limit = limit
        self._rate = FIRST_RATE
        self._seen = 0
        self._evidence = 0.0
        self._since = 0
        self._surprises = 0

    def update(self, error: float) -> Alarm | None:
        """Watch one error, in [0, 1]; returns the alarm that it raises, if any."""
        surprise = error > 0.5
        self._seen += 1
        if self._seen > WARM_UP:
            self._weigh(min(error, 1 - error), surprise)
        before = self._rate
        self._rate += (surprise - self._rate) * max(1 / MEMORY, 1 / (self._seen + FIRST_WEIGHT))
        if self._evidence < self._limit:
            return None
        after = self._surprises / self._since
        self._evidence = 0.0
        return {"detector": "Surprise", "watched": "error", "before": before, "after": after}

    def _weigh(self, unlikely: float, surprise: bool) -> None:
        """Add what an outcome says, if the unlikely one had this probability."""
        usual = min(unlikely + USUAL * self._rate, MOST)
        unusual = min(unlikely + UNUSUAL * self._rate, MOST)
        if self._evidence <= 0:
            self._since = self._surprises = 0
        self._since += 1
        self._surprises += surprise
        gain = log(unusual / usual) if surprise else log((1 - unusual) / (1 - usual))
        self._evidence = max(0.0, self._evidence + gain)

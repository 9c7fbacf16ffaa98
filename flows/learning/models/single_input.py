"""A score that is one number: the least that a classifier can look at."""

from __future__ import annotations

from math import exp, log
from typing import Any

from river import base

Name = base.typing.FeatureName


class SingleInput(base.Classifier):
    """Scores by one input: the higher it is, the likelier the positive class.

    It learns nothing but whether there was an example; with `FBetaThreshold` around it, it is the
    rule "positive above so much", the limit of which is learnt.

    Parameters
    ----------
    name
        The input, a number; what is below zero, or is missing, counts as zero.
    middle
        Where the probability is one half.
    """

    def __init__(self, name: Name = "amount", middle: float = 1000.0) -> None:
        self.name = name
        self.middle = middle
        self._seen = False

    def _unit_test_skips(self) -> set[str]:
        return {"check_predict_proba_one_binary"}  # it wants an answer before anything is learnt

    def learn_one(self, x: dict[Name, Any], y: base.typing.ClfTarget) -> None:  # noqa: ARG002
        """Remember that there was an example."""
        self._seen = True

    def predict_proba_one(self, x: dict[Name, Any], **_: Any) -> dict[Any, float]:
        """Probability of both classes, uncalibrated; empty before the first example."""
        if not self._seen:
            return {}
        log_odds = self._log_odds(x)
        probability = 1 / (1 + exp(-log_odds))
        return {0: 1 - probability, 1: probability}

    def explain_one(self, x: dict[Name, Any]) -> dict[Name, float]:
        """What the input adds to the log-odds."""
        return {self.name: self._log_odds(x)}

    def _log_odds(self, x: dict[Name, Any]) -> float:
        value = x.get(self.name)
        positive = max(0.0, min(value, 1e30)) if isinstance(value, int | float) else 0.0
        return log((positive + 1) / (self.middle + 1))

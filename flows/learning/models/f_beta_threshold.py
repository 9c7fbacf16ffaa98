"""The threshold that would have been best so far."""

from __future__ import annotations

from math import exp, log
from typing import Any

import numpy as np
from numpy.typing import NDArray
from river import base

Name = base.typing.FeatureName

REACH = 16.0
BINS = 400
LONGEST_WAIT = 200
WAIT_SHARE = 0.05
SMALLEST = 1e-9
FORGOTTEN = 20.0


class FBetaThreshold(base.Wrapper[base.Classifier], base.Classifier):
    """Decides by the threshold that maximises F-beta over the past, which fades.

    Every example is scored before it is learnt; its score and label go into a histogram over
    log-odds. At first the classifier's own probabilities count as well, for a few labels are a
    poorer guide than many calibrated scores; they count for less with every labelled positive.

    Parameters
    ----------
    classifier
        Any binary classifier with probabilities.
    beta
        How many times more recall counts than precision.
    memory
        How many positives are remembered: older examples fade.
    prior_positives
        For how many positives the probabilities stand at first, and for half as many when that
        many labelled positives have come.
    """

    _said: tuple[dict[Name, Any], dict[Any, float]] | None = None

    def __init__(
        self,
        classifier: base.Classifier,
        beta: float = 1.0,
        memory: int = 400,
        prior_positives: float = 100.0,
    ) -> None:
        self.classifier = classifier
        self.beta = beta
        self.memory = memory
        self.prior_positives = prior_positives
        self.threshold = 0.5
        self._positives = [0.0] * BINS
        self._negatives = [0.0] * BINS
        self._expected = [0.0] * BINS
        self._unit = 1.0
        self._seen = 0
        self._next_choice = 1
        self._drifted_at = -1

    @property
    def _wrapped_model(self) -> base.Classifier:
        return self.classifier

    def _unit_test_skips(self) -> set[str]:
        return self.classifier._unit_test_skips()

    @classmethod
    def _unit_test_params(cls) -> Any:
        from river import linear_model, preprocessing

        yield {"classifier": preprocessing.StandardScaler() | linear_model.LogisticRegression()}

    def predict_proba_one(self, x: dict[Name, Any], **kwargs: Any) -> dict[Any, float]:
        """Probabilities of the classifier."""
        probabilities = self.classifier.predict_proba_one(x, **kwargs)
        self._said = None if kwargs else (x.copy(), probabilities)
        return probabilities

    def predict_one(self, x: dict[Name, Any], **kwargs: Any) -> Any:
        """Return 1 if the probability reaches the threshold, else 0; None without one."""
        probabilities = self.predict_proba_one(x, **kwargs)
        if not probabilities:
            return None
        return int(probabilities.get(1, 0.0) >= self.threshold)

    def explain_one(self, x: dict[Name, Any]) -> dict[Name, float]:
        """What each feature adds to the log-odds, if the classifier can tell."""
        explain = getattr(self.classifier, "explain_one", None)
        return explain(x) if explain else {}

    def learn_one(self, x: dict[Name, Any], y: base.typing.ClfTarget, **kwargs: Any) -> None:
        """Score, count, and let the classifier learn."""
        said, self._said = self._said, None
        if said is not None and said[0] == x:
            probabilities = said[1]
        else:
            probabilities = self.classifier.predict_proba_one(x)
        if probabilities:
            self._count(probabilities.get(1, 0.0), bool(y))
        self.classifier.learn_one(x, y, **kwargs)

    def on_drift(self) -> None:
        """Let what was counted so far weigh far less, and the classifier forget as it can."""
        self._said = None
        if self._seen != self._drifted_at:
            self._unit *= FORGOTTEN
            self._drifted_at = self._seen
            self._next_choice = self._seen + 1
        forget = getattr(self.classifier, "on_drift", None)
        if forget:
            forget()

    def __getstate__(self) -> dict[str, Any]:
        """What was said last only spares scoring it again when it is learnt."""
        return {**self.__dict__, "_said": None}

    def _count(self, probability: float, positive: bool) -> None:
        number = _bin(probability)
        if positive:
            self._unit *= 1 + 1 / self.memory
        (self._positives if positive else self._negatives)[number] += self._unit
        self._expected[number] += self._unit * probability
        self._seen += 1
        if self._seen >= self._next_choice:
            self._choose()
            self._next_choice = self._seen + max(1, min(int(self._seen * WAIT_SHARE), LONGEST_WAIT))

    def _choose(self) -> None:
        columns = np.array([self._positives, self._negatives, self._expected]) / self._unit
        self._positives, self._negatives, self._expected = columns.tolist()
        self._unit = 1.0
        positives, negatives, expected = columns
        trust = self._trust(positives.sum(), expected.sum())
        hits = _from_above(positives + trust * expected)
        if hits[0] < SMALLEST:
            return
        predicted = _from_above((positives + negatives) * (1 + trust))
        score = hits / (self.beta**2 * hits[0] + predicted)
        self.threshold = _edge(int(score.argmax()))

    def _trust(self, positives: float, expected: float) -> float:
        """How much a probability counts beside a label."""
        fading = self.prior_positives / max(self.prior_positives + positives, SMALLEST)
        return fading * min(1.0, self.prior_positives / max(expected, SMALLEST))


def _bin(probability: float) -> int:
    if not SMALLEST < probability < 1 - SMALLEST:
        return BINS - 1 if probability >= 0.5 else 0
    log_odds = log(probability / (1 - probability))
    return max(0, min(BINS - 1, int((log_odds + REACH) * BINS / (2 * REACH))))


def _edge(number: int) -> float:
    """Lowest probability in a bin."""
    return 1 / (1 + exp(REACH - number * 2 * REACH / BINS)) if number else 0.0


def _from_above(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return counts[::-1].cumsum()[::-1]

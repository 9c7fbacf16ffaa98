"""A classifier that adds up what each feature says, for rare events in a moving stream."""

from __future__ import annotations

import random
from math import exp, log, nan
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from river import base

from flows.learning.models.category_evidence import CategoryEvidence
from flows.learning.models.event_sample import EventSample
from flows.learning.models.evidence_weights import fit_weights
from flows.learning.models.number_evidence import NumberEvidence
from flows.learning.models.segments import Floats

Name = base.typing.FeatureName

GROWTH = 0.05
RENEWAL = 0.02
FEWEST_NEWS = 20
HEAD_START = 30
LARGEST = 1e38
FARTHEST = 30.0
RECENT = 120
FORGOTTEN = 20.0


class WeightOfEvidence(base.Classifier):
    """Binary classifier whose log-odds are the sum of one learnt function per feature.

    Numbers get functions that are constant between learnt edges, everything else one value per
    category; both are averaged over what the data leaves open, so that they need no tuning, and
    features that mean nothing say nothing. As features may say the same, each one's function is
    weighted by how far it was to be trusted, given the others, when it had not seen the label yet.
    All is learnt anew from a bounded sample each time it has grown by 5 % or renewed itself by 2 %.

    Parameters
    ----------
    memory
        How many events of the rarer class are remembered, if it is rare: older ones fade.
    ratio
        How many events of the commoner class are kept in the sample for one of the rarer.
    seed
        Of the generator that chooses them.
    """

    def __init__(self, memory: int = 400, ratio: int = 20, seed: int = 1) -> None:
        self.memory = memory
        self.ratio = ratio
        self.seed = seed
        self._rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._sample = EventSample(memory * (ratio + 1))
        self._numbers: dict[Name, NumberEvidence] = {}
        self._categories: dict[Name, CategoryEvidence] = {}
        self._trust: dict[Name, float] = {}
        self._intercept = 0.0
        self._counts = [0.0, 0.0]
        self._unit = 1.0
        self._next_fit = FEWEST_NEWS
        self._born = 0
        self._drifted_at = -1

    def _unit_test_skips(self) -> set[str]:
        return {"check_predict_proba_one_binary"}  # it wants an answer before anything is learnt

    @property
    def base_log_odds(self) -> float:
        """Log-odds of the positive class before any feature is looked at."""
        negatives, positives = self._counts
        half = self._unit / 2
        return log((positives + half) / (negatives + half)) + self._intercept

    def log_odds_one(self, x: dict[Name, Any]) -> float:
        """Log-odds of the positive class."""
        return self.base_log_odds + sum(self.explain_one(x).values())

    def predict_proba_one(self, x: dict[Name, Any], **_: Any) -> dict[Any, float]:
        """Probability of both classes; empty before anything was learnt."""
        if not any(self._counts):
            return {}
        log_odds = max(-FARTHEST, min(self.log_odds_one(x), FARTHEST))
        probability = 1 / (1 + exp(-log_odds))
        return {0: 1 - probability, 1: probability}

    def explain_one(self, x: dict[Name, Any]) -> dict[Name, float]:
        """What each feature adds to `base_log_odds`; missing and unknown ones add nothing."""
        trust = self._trust
        return {name: trust.get(name, 1.0) * said for name, said in self._evidence(x).items()}

    def _evidence(self, x: dict[Name, Any]) -> dict[Name, float]:
        evidence: dict[Name, float] = {}
        numbers, categories = self._numbers, self._categories
        for name, value in x.items():
            number = _number(value)
            if number is not None:
                if name in numbers:
                    evidence[name] = numbers[name].weight(number)
            elif name in categories:
                evidence[name] = categories[name].weight(value)
        return evidence

    def learn_one(self, x: dict[Name, Any], y: base.typing.ClfTarget) -> None:
        """Count the event, perhaps keep it, and learn the functions anew when it is time."""
        label = 1 if y else 0
        offset = self.base_log_odds - self._intercept
        self._count(label)
        share = self._share_kept(label)
        numbers = {}
        for name, value in x.items():
            number = _number(value)
            if number is None:
                self._category(name).count(value, label, self._unit)
            else:
                numbers[name] = number
        if share >= 1 or self._rng.random() < share:
            self._sample.keep(numbers, self._evidence(x), offset, label, 1 / share)
            if self._sample.kept >= self._next_fit:
                self._fit()

    def on_drift(self) -> None:
        """Let the newest events of the sample weigh as usual, and all that is older far less.

        Doing so again before anything else was learnt changes nothing.
        """
        if self._drifted_at == self._sample.kept:
            return
        self._drifted_at = self._sample.kept
        self._sample.fade(RECENT, FORGOTTEN)
        self._unit *= FORGOTTEN
        self._born = max(0, self._sample.kept - RECENT)
        self._next_fit = self._sample.kept + 1

    def _count(self, label: int) -> None:
        """Count the event, and let the past fade by making what comes weigh more."""
        self._counts[label] += self._unit
        rarer = min(self._counts) / sum(self._counts)
        self._unit *= 1 + min(rarer / self.memory, 1 / self._sample.capacity)

    def _share_kept(self, label: int) -> float:
        wanted = self.ratio * (min(self._counts) + HEAD_START * self._unit)
        return min(1.0, wanted / self._counts[label])

    def _category(self, name: Name) -> CategoryEvidence:
        evidence = self._categories.get(name)
        if evidence is None:
            evidence = self._categories[name] = CategoryEvidence()
        return evidence

    def _fit(self) -> None:
        labels, importances = self._sample.labels(), self._sample.importances()
        self._fit_trust(labels, importances)
        for name, values in self._sample.numbers().items():
            self._numbers.setdefault(name, NumberEvidence()).fit(values, labels, importances)
        for evidence in self._categories.values():
            evidence.fit(1 / self._unit)
        self._counts = [count / self._unit for count in self._counts]
        self._unit = 1.0
        kept = self._sample.kept
        grown = GROWTH * (kept - self._born)
        self._next_fit = kept + max(FEWEST_NEWS, int(min(grown, RENEWAL * self._sample.capacity)))

    def _fit_trust(self, labels: NDArray[np.bool_], importances: Floats) -> None:
        evidence = self._sample.evidence()
        if not evidence:
            return
        former = [self._trust.get(name, 1.0) for name in evidence]
        *trust, self._intercept = fit_weights(
            np.column_stack(list(evidence.values())),
            self._sample.offsets(),
            labels,
            importances,
            np.array([*former, self._intercept]),
        ).tolist()
        self._trust = dict(zip(evidence, trust, strict=True))


def _number(value: Any) -> float | None:
    """Return a number within single precision, or None for what is a category."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return None
    if kind is float and -LARGEST <= value <= LARGEST:
        return value  # type: ignore[no-any-return]
    if kind is not float and kind is not int and not isinstance(value, Real):
        return None
    return max(-LARGEST, min(value, LARGEST)) if value == value else nan

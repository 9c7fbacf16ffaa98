"""Outcomes of a classifier of rare events."""

import random

from hypothesis import strategies as st

from flows.learning.tasks.binary_metrics import BinaryMetrics
from flows.learning.tasks.binary_prediction import BinaryPrediction

Outcome = tuple[int, BinaryPrediction]


def rare_events(number: int, seed: int = 7, threshold: float = 0.2) -> list[Outcome]:
    """Calibrated predictions of a rare class: most scores crowd near zero."""
    rng = random.Random(seed)
    outcomes = []
    for _ in range(number):
        probability = rng.betavariate(0.05, 2)
        label = int(rng.random() < probability)
        outcomes.append((label, decide(probability, threshold)))
    return outcomes


def decide(probability: float, threshold: float = 0.2) -> BinaryPrediction:
    return BinaryPrediction(probability, int(probability >= threshold), threshold)


def fed(outcomes: list[Outcome], beta: float = 2.0) -> BinaryMetrics:
    metrics = BinaryMetrics(beta)
    for label, prediction in outcomes:
        metrics.update(label, prediction)
    return metrics


def columns(outcomes: list[Outcome]) -> tuple[list[int], list[int], list[float]]:
    labels = [label for label, _ in outcomes]
    decisions = [prediction.decision for _, prediction in outcomes]
    return labels, decisions, [prediction.probability for _, prediction in outcomes]


probabilities = st.floats(0, 1, allow_nan=False)

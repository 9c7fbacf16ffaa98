"""Rare positives that nobody foresees any more ring soon; those that were foreseen do not."""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.learning.surprise_drift import WARM_UP, SurpriseDrift
from flows.learning.tasks.binary import BinaryClassification


def errors(rng: random.Random, count: int, foreseen: float) -> Iterator[float]:
    """One in a hundred is positive; so many of these are given .9, the others .002, like most."""
    for _ in range(count):
        positive = rng.random() < 0.01
        probability = 0.9 if positive and rng.random() < foreseen else 0.002
        yield 1 - probability if positive else probability


def alarms(detector: SurpriseDrift, found: Iterator[float]) -> list[int]:
    return [number for number, error in enumerate(found) if detector.update(error)]


@pytest.mark.parametrize("seed", range(3))
def test_same_stream_for_long_does_not_ring(seed: int) -> None:
    assert len(alarms(SurpriseDrift(), errors(random.Random(seed), 50_000, 0.8))) <= 1


@pytest.mark.parametrize("seed", range(3))
def test_positives_that_are_no_longer_foreseen_ring_soon(seed: int) -> None:
    rng, detector = random.Random(seed), SurpriseDrift()
    before = alarms(detector, errors(rng, 10_000, 0.85))
    rung = alarms(detector, errors(rng, 2_000, 0.0))
    assert before == []
    assert rung and rung[0] <= 1_500


def test_alarm_tells_the_rates_of_surprises() -> None:
    detector, rng = SurpriseDrift(), random.Random(1)
    alarms(detector, errors(rng, 10_000, 0.85))
    found = [alarm for error in errors(rng, 2_000, 0.0) if (alarm := detector.update(error))]
    assert found[0]["detector"] == "Surprise"
    assert found[0]["watched"] == "error"
    assert found[0]["before"] < 0.006 < found[0]["after"]


def test_nothing_rings_while_it_warms_up() -> None:
    detector = SurpriseDrift()
    assert not any(detector.update(0.999) for _ in range(WARM_UP))


@given(st.lists(st.floats(0, 1), max_size=200), st.integers(0, 200))
def test_pickling_in_between_changes_nothing(found: list[float], cut: int) -> None:
    first, second = SurpriseDrift(1.0), SurpriseDrift(1.0)
    first._seen = second._seen = WARM_UP
    for number, error in enumerate(found):
        if number == cut:
            second = pickle.loads(pickle.dumps(second))  # noqa: S301 - written here
        assert first.update(error) == second.update(error)


def test_it_watches_binary_classification() -> None:
    assert isinstance(BinaryClassification().detector(), SurpriseDrift)

"""Detectors of change ring soon after a change, tell it, and keep silent without one."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.learning.drift import Alarm, ErrorDrift
from flows.learning.upward_change import FEWEST, UpwardChange


def errors(count: int, mean: float, rng: random.Random) -> list[float]:
    return [min(4.0, rng.expovariate(1 / mean)) for _ in range(count)]


def alarms(detector: ErrorDrift, stream: Iterable[float]) -> list[tuple[int, Alarm]]:
    found = ((number, detector.update(error)) for number, error in enumerate(stream))
    return [(number, alarm) for number, alarm in found if alarm]


def test_rings_within_two_hundred_events_when_errors_double() -> None:
    for seed in range(10):
        rng = random.Random(seed)
        found = alarms(ErrorDrift(), errors(5000, 0.35, rng) + errors(300, 0.8, rng))
        assert [alarm["detector"] for _, alarm in found] == ["CUSUM"]
        number, alarm = found[0]
        assert 5000 < number < 5200
        assert alarm["before"] == pytest.approx(0.35, rel=0.1)
        assert alarm["after"] == pytest.approx(0.8, rel=0.3)


def test_is_silent_while_nothing_changes() -> None:
    assert not alarms(ErrorDrift(), errors(60_000, 0.35, random.Random(1)))


def test_is_silent_when_errors_are_rare_and_large() -> None:
    rng = random.Random(2)
    assert not alarms(ErrorDrift(), (float(rng.random() < 0.01) for _ in range(60_000)))


def test_tells_what_became_easier() -> None:
    rng = random.Random(3)
    found = alarms(ErrorDrift(), errors(5000, 0.8, rng) + errors(3000, 0.3, rng))
    assert found
    assert all(alarm["detector"] == "ADWIN" for _, alarm in found)
    assert all(alarm["after"] < alarm["before"] for _, alarm in found)


def test_finds_small_changes_in_the_end() -> None:
    rng = random.Random(4)
    found = alarms(ErrorDrift(), errors(8000, 0.35, rng) + errors(8000, 0.45, rng))
    assert found
    assert found[0][0] > 8000


def test_begins_anew_after_an_alarm() -> None:
    rng, detector = random.Random(5), ErrorDrift()
    changed = errors(5000, 0.35, rng) + errors(6000, 0.8, rng)
    assert len(alarms(detector, changed)) == 1
    assert len(alarms(detector, errors(300, 2.0, rng))) == 1


def test_goes_on_alike_after_a_copy() -> None:
    rng, detector = random.Random(6), ErrorDrift()
    alarms(detector, errors(4990, 0.35, rng))
    other, rest = copy.deepcopy(detector), errors(400, 0.9, rng)
    assert alarms(other, rest) == alarms(detector, rest) != []


def test_single_wild_values_are_no_change() -> None:
    detector, rng = UpwardChange(), random.Random(7)
    values = [1e6 if number % 100 == 99 else rng.gauss(1, 0.1) for number in range(3000)]
    assert not any(map(detector.update, values))


def test_after_nothing_but_zeros_a_trifle_is_no_change() -> None:
    detector = UpwardChange()
    assert not any(map(detector.update, [0.0] * 200 + [1e-4] * 200))


@given(st.lists(st.floats(0, 4), max_size=FEWEST))
def test_says_nothing_before_it_knows_what_is_usual(values: list[float]) -> None:
    assert not any(map(UpwardChange().update, values))


@given(st.lists(st.floats(0, 4), min_size=FEWEST, max_size=120))
def test_never_rings_on_the_way_down(values: list[float]) -> None:
    detector = UpwardChange()
    assert not any(map(detector.update, sorted(values, reverse=True)))

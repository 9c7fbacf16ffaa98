"""Every kind of drift has its shape, wherever it is planted."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import SettingsError
from scripts.streams.drift import KINDS, SEVERITIES, Drift, Severity

severities = st.sampled_from(list(SEVERITIES))
numbers = st.integers(0, 10_000)
widths = st.integers(1, 5_000)
shares = st.floats(0, 1)


def shifts(drift: Drift, count: int, before: float = 0.0) -> list[float]:
    rng = random.Random(0)
    return [drift.shift(number, before, rng) for number in range(count)]


@given(st.builds(Drift, st.sampled_from(KINDS), severities, numbers, widths), numbers, shares)
def test_shift_lies_between_before_and_after(drift: Drift, number: int, before: float) -> None:
    shift = drift.shift(number, before, random.Random(1))
    least, most = sorted([before, drift.share])
    assert least - 1e-12 <= shift <= most + 1e-12


@given(st.builds(Drift, st.sampled_from(KINDS), severities, st.integers(1, 10_000), widths), shares)
def test_nothing_changes_before_it_begins(drift: Drift, before: float) -> None:
    assert drift.shift(drift.at - 1, before, random.Random(1)) == before


@pytest.mark.parametrize(
    ("severity", "share"), [("none", 0.0), ("mild", 0.3), ("moderate", 0.6), ("severe", 1.0)]
)
def test_sudden_drift_is_whole_at_once(severity: Severity, share: float) -> None:
    assert shifts(Drift("sudden", severity, 3), 6, before=0.1) == [0.1] * 3 + [share] * 3


def test_incremental_drift_moves_evenly() -> None:
    found = shifts(Drift("incremental", "moderate", 2, 4), 8)
    assert found == pytest.approx([0, 0, 0, 0.15, 0.3, 0.45, 0.6, 0.6])


def test_gradual_drift_has_ever_more_events_of_the_new_concept_and_none_between() -> None:
    found = shifts(Drift("gradual", "severe", 0, 4_000), 6_000)
    assert set(found) == {0.0, 1.0}
    quarters = [sum(found[start : start + 1_000]) for start in range(0, 6_000, 1_000)]
    for quarter, expected in zip(quarters, [125, 375, 625, 875, 1000, 1000], strict=True):
        assert abs(quarter - expected) <= 62
    assert all(first < second for first, second in pairwise(quarters[:5]))


def test_recurring_drift_comes_and_goes_for_ever() -> None:
    found = shifts(Drift("recurring", "mild", 1, 2), 11)
    assert found == [0, 0.3, 0.3, 0, 0, 0.3, 0.3, 0, 0, 0.3, 0.3]


def test_recurring_drift_turns_each_time_and_others_once() -> None:
    def turns(drift: Drift) -> list[int]:
        return [number for number in range(12) if drift.turns_at(number)]

    assert turns(Drift("recurring", "mild", 1, 4)) == [1, 5, 9]
    assert turns(Drift("gradual", "mild", 1, 4)) == [1]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"kind": "slow"}, "no drift 'slow'; known: sudden"),
        ({"severity": "huge"}, "no severity 'huge'; known: none, mild"),
        ({"at": -1}, "at=-1"),
        ({"width": 0}, "width=0"),
    ],
)
def test_what_is_no_drift_is_refused(arguments: dict[str, object], fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        Drift(**arguments)  # type: ignore[arg-type]

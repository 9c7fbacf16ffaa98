"""Inputs that change their spread ring, once each, and others do not."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.learning.drift import Alarm
from flows.learning.input_drift import WINDOW as SAMPLE
from flows.learning.input_drift import InputDrift

WINDOW = 2 * SAMPLE + 2
KINDS = ("card", "cash", "transfer")


def inputs(rng: random.Random, *, mean: float = 10.0, kinds: tuple[str, ...] = KINDS) -> Any:
    return {
        "amount": rng.lognormvariate(mean / 10, 0.5),
        "kind": rng.choice(kinds),
        "known": rng.random() < 0.9,
        "hour": rng.uniform(0, 24),
    }


def watch(detector: InputDrift, drawn: list[dict[str, Any]]) -> list[Alarm]:
    return [alarm for one in drawn for alarm in detector.update(one)]


def draw(count: int, seed: int = 0, **changes: Any) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    return [inputs(rng, **changes) for _ in range(count)]


@pytest.mark.parametrize("seed", range(5))
def test_a_steady_stream_is_quiet(seed: int) -> None:
    assert watch(InputDrift(), draw(50_000, seed)) == []


def test_a_number_that_moves_rings_once_and_says_where_it_was() -> None:
    detector = InputDrift()
    assert watch(detector, draw(10 * WINDOW)) == []
    (alarm,) = watch(detector, draw(10 * WINDOW, seed=1, mean=20.0))
    assert (alarm["detector"], alarm["watched"]) == ("PSI", "amount")
    assert alarm["before"] == pytest.approx(2.72, rel=0.1)
    assert alarm["after"] == pytest.approx(7.39, rel=0.1)


def test_a_category_that_comes_up_rings() -> None:
    detector = InputDrift()
    watch(detector, draw(4 * WINDOW))
    (alarm,) = watch(detector, draw(WINDOW, seed=1, kinds=("crypto",)))
    assert (alarm["watched"], alarm["after"]) == ("kind", "crypto")


def test_a_seasonal_input_is_not_watched() -> None:
    detector = InputDrift(frozenset({"amount"}))
    watch(detector, draw(4 * WINDOW))
    assert watch(detector, draw(WINDOW, seed=1, mean=30.0)) == []


def test_an_input_that_comes_later_begins_with_its_first_window() -> None:
    detector = InputDrift()
    watch(detector, draw(2 * WINDOW))
    new = [{**one, "speed": 3.0} for one in draw(3 * WINDOW, seed=1)]
    assert watch(detector, new) == []


@pytest.mark.parametrize("odd", [None, "text", float("nan"), float("inf"), True, 10**400])
def test_odd_values_among_numbers_do_no_harm(odd: Any) -> None:
    detector = InputDrift()
    watch(detector, draw(2 * WINDOW))
    mixed = draw(2 * WINDOW, seed=1)
    for one in mixed[::100]:
        one["amount"] = odd
    watch(detector, mixed)


def test_a_copy_goes_on_like_its_original() -> None:
    first = InputDrift()
    watch(first, draw(1_700))
    second = copy.deepcopy(first)
    later = draw(3_000, seed=2, mean=18.0)
    found = watch(first, later)
    assert found
    assert watch(second, later) == found


@settings(max_examples=25)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_a_constant_mixture_never_rings(values: list[float]) -> None:
    """The same values in the same order in every window."""
    detector = InputDrift()
    drawn = [{"x": values[i % len(values)]} for i in range(WINDOW)]
    for _ in range(4):
        assert watch(detector, drawn) == []

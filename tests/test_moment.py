"""What is off at the moment is followed when it lasts, and is nothing when nothing is off."""

from __future__ import annotations

import random
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.learning.models.moment import LARGEST, Moment


def followed(residuals: list[float]) -> list[float]:
    """The moment before each residual."""
    moment, found = Moment(), []
    for residual in residuals:
        found.append(moment.value)
        moment.learn(residual)
    return found


def noise(count: int, seed: int = 1, spread: float = 0.15) -> list[float]:
    rng = random.Random(seed)
    return [rng.gauss(0, spread) for _ in range(count)]


def test_costs_next_to_nothing_when_nothing_is_off() -> None:
    residuals = noise(20_000)
    off = mean(abs(one - said) for one, said in zip(residuals, followed(residuals), strict=True))
    assert off < 1.005 * mean(map(abs, residuals))


def test_follows_a_jump_within_a_hundred_events() -> None:
    residuals = noise(2000) + [0.4 + one for one in noise(300, seed=2)]
    assert mean(followed(residuals)[2100:]) == pytest.approx(0.4, abs=0.08)


def test_goes_back_to_nothing() -> None:
    residuals = noise(1000) + [0.4 + one for one in noise(300, 2)] + noise(1000, 3)
    assert mean(map(abs, followed(residuals)[-500:])) < 0.02


def test_one_outlier_hardly_moves_it() -> None:
    moment = Moment()
    for residual in [*noise(1000), 50.0]:
        moment.learn(residual)
    assert abs(moment.value) < 0.05


def test_is_exact_where_there_is_no_noise() -> None:
    assert followed([0.0] * 500)[-1] == 0.0
    assert followed([0.0] * 500 + [0.3] * 500)[-1] == pytest.approx(0.3, abs=0.01)


@given(st.lists(st.floats(-1e6, 1e6), max_size=300))
def test_is_never_larger_than_what_it_saw(residuals: list[float]) -> None:
    largest = min(LARGEST, max(map(abs, residuals), default=0.0))
    assert all(abs(one) <= largest + 1e-9 for one in followed([*residuals, 0.0]))

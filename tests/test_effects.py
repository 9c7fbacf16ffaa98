"""The parts of the multiplicative regression: effects, least squares, entities."""

from __future__ import annotations

import random
from statistics import mean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.learning.models.effects import Curve, Effect, Step, Surface
from flows.learning.models.entity_effect import EntityEffect
from flows.learning.models.faded_least_squares import FadedLeastSquares

numbers = st.floats(allow_nan=True, allow_infinity=True) | st.none()


def test_least_squares_are_those_of_algebra() -> None:
    rng, ours = np.random.default_rng(1), FadedLeastSquares([0.5], memory=1e12)
    for _ in range(5):
        ours.add_column(0)
    ours.noise = 0.04
    design = np.column_stack([np.ones(300), rng.normal(size=(300, 5))])
    target = design @ [3.0, 0.5, -0.5, 0.2, 0.0, 1.0] + rng.normal(0, 0.2, 300)
    weights = rng.uniform(0.1, 2, 300)
    rows = [
        (list(range(6)), list(row), float(y), float(w))
        for row, y, w in zip(design.tolist(), target, weights, strict=True)
    ]
    for start in range(0, 300, 50):
        ours.take(rows[start : start + 50])
    ours.fit()
    ridge = np.diag([1e-4, *[1 / 0.25] * 5])
    precision = design.T @ (weights[:, None] * design) / 0.04 + ridge
    expected = np.linalg.solve(precision, design.T @ (weights * target) / 0.04)
    assert ours.coefficients == pytest.approx(expected.tolist())
    expected_squares = np.square(expected) + np.diag(np.linalg.inv(precision))
    assert ours.variances[0] == pytest.approx((expected_squares[1:].sum() + 2 * 0.25) / 7)
    assert ours.means == pytest.approx(np.average(design, axis=0, weights=weights).tolist())


def test_the_past_fades() -> None:
    ours = FadedLeastSquares([1.0], memory=50)
    for level in (0.0, 1.0):
        for _ in range(300):
            ours.take([([0], [1.0], level, 1.0)])
    ours.fit()
    assert ours.coefficients[0] == pytest.approx(1.0, abs=0.01)
    assert ours.weight == pytest.approx(50, rel=0.01)


def test_entities_are_believed_as_far_as_they_repeat_themselves() -> None:
    rng = random.Random(3)
    real, none = EntityEffect(1000, 400), EntityEffect(1000, 400)
    truths = [rng.gauss(0, 0.2) for _ in range(50)]
    for _ in range(5000):
        number, luck = rng.randrange(50), rng.gauss(0, 0.2)
        real.learn(number, truths[number] + luck, 1.0, 0.04)
        none.learn(number, luck, 1.0, 0.04)
    assert real.variance == pytest.approx(0.04, rel=0.5)
    assert none.variance < 0.002
    assert mean(abs(real.effect(n, 0.04) - truths[n]) for n in range(50)) < 0.04
    assert mean(abs(none.effect(n, 0.04)) for n in range(50)) < 0.01


def test_entities_not_seen_for_longest_are_forgotten() -> None:
    ours = EntityEffect(most=3, memory=100)
    for name in ("a", "b", "c", "a", "d"):
        ours.learn(name, 1.0, 1.0, 0.1)
    assert len(ours) == 3
    assert ours.effect("b", 0.1) == 0.0
    assert ours.effect("a", 0.1) > 0.0


@given(numbers, numbers)
def test_shares_of_cells_add_up_to_one_or_there_are_none(a: float | None, b: float | None) -> None:
    effects: tuple[Effect, ...] = (
        Curve(name="a", knots=(0, 1, 5), table="t"),
        Curve(name="a", knots=(0.5, 8, 23.5), period=24, table="t"),
        Step(name="a", table="t"),
        Surface(names=("a", "b"), step=(0.1, 0.2), table="t"),
    )
    for effect in effects:
        cells = effect.cells({"a": a, "b": b})
        if cells:
            assert sum(share for _, share in cells) == pytest.approx(1.0)
            assert all(-1e-9 <= share <= 1 + 1e-9 for _, share in cells)
        else:
            assert any(one is None or not abs(one) < 1e300 for one in (a, b))


def test_a_circle_closes() -> None:
    clock = Curve(name="hour", knots=tuple(h + 0.5 for h in range(24)), period=24, table="clock")
    assert dict(clock.cells({"hour": 0.0})) == pytest.approx({23: 0.5, 0: 0.5})
    assert dict(clock.cells({"hour": 23.75})) == pytest.approx({23: 0.75, 0: 0.25})
    assert dict(clock.cells({"hour": 12.5})) == {12: 1.0}

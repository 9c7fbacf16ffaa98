from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import fbeta_score

from flows.batch.tasks.classification import best_threshold

CASES = st.lists(
    st.tuples(st.booleans(), st.integers(0, 20).map(lambda number: number / 20)),
    min_size=2,
    max_size=40,
)


@given(CASES, st.sampled_from([0.5, 1.0, 2.0]))
def test_no_other_threshold_has_a_higher_score(
    cases: list[tuple[bool, float]], beta: float
) -> None:
    labels, chances = (np.array(column, dtype=float) for column in zip(*cases, strict=True))
    if not labels.any():
        return
    chosen = best_threshold(labels.astype(object), chances, beta)

    def score(threshold: float) -> float:
        said = chances >= threshold
        return float(fbeta_score(labels, said, beta=beta, zero_division=0.0))

    assert score(chosen) >= max(score(one) for one in {*chances, 0.0}) - 1e-12


def test_without_a_positive_it_is_a_half() -> None:
    assert best_threshold(np.zeros(3), np.array([0.1, 0.2, 0.9]), 2.0) == 0.5
    assert best_threshold(np.zeros(0), np.zeros(0), 2.0) == 0.5


@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_the_expected_score_is_best_at_its_own_part(beta: float) -> None:
    """Of calibrated chances the best threshold is F / (1 + beta²)."""
    chances = np.sort(np.random.default_rng(1).beta(0.2, 2.0, 20_000))
    chosen = best_threshold(chances, chances, beta)
    said = chances >= chosen
    best = (1 + beta**2) * chances[said].sum() / (beta**2 * chances.sum() + said.sum())
    assert chosen == pytest.approx(best / (1 + beta**2), abs=1e-3)

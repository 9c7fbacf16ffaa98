"""How many predictions get a label, and after what time."""

from __future__ import annotations

import pytest

from flows.learning.coverage import coverage
from flows.learning.learner import Learner
from flows.learning.state import DELAYS_KEPT
from tests.examples import START, VISITS, visit


def waited(delays: list[float], unlabelled: int = 0) -> Learner:
    """Events at START, labelled after so many seconds each; some others never are."""
    learner = Learner.fresh(VISITS)
    for number in range(len(delays) + unlabelled):
        learner.observe(visit(number), START)
    for number, delay in sorted(enumerate(delays), key=lambda one: one[1]):
        learner.answer(str(number), 1, START + delay)
    return learner


def test_before_anything_nothing_is_known() -> None:
    found = coverage(Learner.fresh(VISITS).state)
    assert (found.matched, found.share, found.delay_median) == (0, None, None)


def test_delays_are_told_by_quantiles() -> None:
    found = coverage(waited([float(delay) for delay in range(1, 101)]).state)
    assert (found.delay_median, found.delay_p95, found.delay_max) == (50.0, 95.0, 100.0)
    assert (found.matched, found.share) == (100, 1.0)


def test_what_waits_longer_than_labels_take_counts_as_uncovered() -> None:
    learner = waited([1.0] * 3, unlabelled=1)
    assert coverage(learner.state).overdue == 0
    learner.observe(visit(99), START + 2)
    found = coverage(learner.state)
    assert (found.overdue, found.pending, found.share) == (1, 2, 0.75)


def test_what_expired_counts_as_uncovered() -> None:
    learner = waited([1.0] * 3, unlabelled=1)
    learner.observe(visit(99), START + VISITS.horizon.total_seconds() + 1)
    found = coverage(learner.state)
    assert (found.expired, found.overdue) == (1, 0)
    assert found.share == pytest.approx(0.75)


def test_delays_are_bounded() -> None:
    learner = waited([float(delay) for delay in range(DELAYS_KEPT + 500)])
    assert len(learner.state.delays) == DELAYS_KEPT
    assert coverage(learner.state).delay_max == DELAYS_KEPT + 499

"""The parts of the classifier that adds up evidence: numbers, categories, sample, weights."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray
from scipy.special import betaln
from sklearn.linear_model import LogisticRegression

from flows.learning.models.category_evidence import LONGEST_NAME, MOST_CATEGORIES, CategoryEvidence
from flows.learning.models.event_sample import EventSample
from flows.learning.models.evidence_weights import fit_weights
from flows.learning.models.number_evidence import NumberEvidence
from flows.learning.models.segments import Floats, segment_rates

JEFFREYS = 0.5


def rates_by_trying_every_cutting(positives: Floats, negatives: Floats, cuts: float) -> Floats:
    """The definition, without its dynamic programme."""
    cells = len(positives)
    cut = min(0.5, cuts / cells)
    total, sums = 0.0, np.zeros(cells)
    for cutting in itertools.product([False, True], repeat=cells - 1):
        borders = [0, *(place + 1 for place, here in enumerate(cutting) if here), cells]
        weight = math.prod(cut if here else 1 - cut for here in cutting)
        rates = np.zeros(cells)
        for low, high in itertools.pairwise(borders):
            tp, tn = positives[low:high].sum(), negatives[low:high].sum()
            weight *= math.exp(betaln(JEFFREYS + tp, JEFFREYS + tn) - betaln(JEFFREYS, JEFFREYS))
            rates[low:high] = (JEFFREYS + tp) / (1 + tp + tn)
        total += weight
        sums += weight * rates
    return sums / total


counts = npst.arrays(np.float64, 7, elements=st.floats(0, 40))


@given(counts, counts, st.floats(0.1, 5))
def test_segment_rates_equal_the_mean_over_every_cutting(
    positives: Floats, negatives: Floats, cuts: float
) -> None:
    expected = rates_by_trying_every_cutting(positives, negatives, cuts)
    assert segment_rates(positives, negatives, cuts) == pytest.approx(expected, rel=1e-6)


def test_segment_rates_jump_where_the_counts_do_and_are_flat_elsewhere() -> None:
    positives = np.array([5.0] * 10 + [40.0] * 10)
    negatives = np.full(20, 50.0)
    rates = segment_rates(positives, negatives, 3.0)
    assert rates[:9] == pytest.approx(5 / 55, abs=0.02)
    assert rates[11:] == pytest.approx(40 / 90, abs=0.02)


def test_segment_rates_of_one_cell_are_its_rate() -> None:
    assert segment_rates(np.array([3.0]), np.array([7.0]), 3.0) == pytest.approx([3.5 / 11])


def fitted_number(positives: list[float], negatives: list[float]) -> NumberEvidence:
    evidence = NumberEvidence()
    values = np.array([*positives, *negatives])
    labels = np.array([True] * len(positives) + [False] * len(negatives))
    evidence.fit(values, labels, np.ones(len(values)))
    return evidence


def test_number_evidence_finds_where_only_positives_lie() -> None:
    rng = random.Random(1)
    negatives = [rng.uniform(0, 100) for _ in range(2000)]
    positives = [rng.uniform(50, 400) for _ in range(200)]
    evidence = fitted_number(positives, negatives)
    assert evidence.weight(20) < -2
    assert abs(evidence.weight(75)) < abs(evidence.weight(20))
    assert evidence.weight(101) > 3 and evidence.weight(390) > 3
    assert evidence.weight(1e9) == evidence.weight(399)


def test_number_evidence_is_near_zero_where_nothing_differs() -> None:
    rng = random.Random(1)
    draws = [rng.gauss(0, 1) for _ in range(3000)]
    evidence = fitted_number(draws[:200], draws[200:])
    assert max(abs(weight) for weight in evidence.weights) < 0.2


def test_number_evidence_of_the_right_ratio() -> None:
    evidence = fitted_number([1.0] * 300 + [2.0] * 100, [1.0] * 1000 + [2.0] * 3000)
    assert evidence.weight(1) == pytest.approx(math.log(0.75 / 0.25), abs=0.05)
    assert evidence.weight(2) == pytest.approx(math.log(0.25 / 0.75), abs=0.05)


def test_number_evidence_weighs_events_by_their_importance() -> None:
    evidence = NumberEvidence()
    values = np.array([1.0] * 100 + [2.0] * 100 + [1.0] * 500 + [2.0] * 500)
    labels = np.array([True] * 200 + [False] * 1000)
    importances = np.array([1.0] * 200 + [1.0] * 500 + [9.0] * 500)
    evidence.fit(values, labels, importances)
    assert evidence.weight(1) == pytest.approx(math.log(0.5 / 0.1), abs=0.1)
    assert evidence.weight(2) == pytest.approx(math.log(0.5 / 0.9), abs=0.1)


@pytest.mark.parametrize("values", [[1.0, 1.0], [math.nan, 2.0], [math.nan, math.nan]])
def test_number_evidence_with_too_little_to_tell_says_nothing(values: list[float]) -> None:
    evidence = fitted_number(values[:1], values[1:])
    assert evidence.weight(1.0) == pytest.approx(0.0, abs=1e-9)


def test_number_evidence_of_one_class_only_stays_as_it_was() -> None:
    evidence = fitted_number([], [1.0, 2.0])
    assert evidence.weights == [0.0]


def test_number_evidence_of_nan_is_nothing() -> None:
    evidence = fitted_number([5.0] * 50, [1.0] * 50)
    assert evidence.weight(math.nan) == 0.0 != evidence.weight(5.0)


@given(
    st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=30),
    st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=30),
)
def test_number_evidence_is_finite_everywhere(
    positives: list[float], negatives: list[float]
) -> None:
    evidence = fitted_number(positives, negatives)
    assert evidence.edges == sorted(set(evidence.edges))
    assert len(evidence.weights) == len(evidence.edges) + 1
    assert all(map(math.isfinite, evidence.weights))


def test_category_evidence_of_the_right_ratio() -> None:
    evidence = CategoryEvidence()
    for category, positives, negatives in (("a", 300, 1000), ("b", 100, 3000)):
        evidence.count(category, 1, positives)
        evidence.count(category, 0, negatives)
    evidence.fit(scale=1.0)
    assert evidence.weight("a") == pytest.approx(math.log(0.75 / 0.25), abs=0.05)
    assert evidence.weight("b") == pytest.approx(math.log(0.25 / 0.75), abs=0.05)
    assert evidence.weight("never seen") == 0.0


def test_many_categories_that_mean_nothing_say_nothing() -> None:
    rng, evidence = random.Random(1), CategoryEvidence()
    for _ in range(30_000):
        evidence.count(f"merchant {rng.randrange(200)}", int(rng.random() < 0.01), 1.0)
    evidence.fit(scale=1.0)
    assert max(abs(weight) for weight in evidence.weights.values()) < 0.2


def test_one_telling_category_among_many_speaks_up() -> None:
    rng, evidence = random.Random(1), CategoryEvidence()
    for _ in range(30_000):
        number = rng.randrange(200)
        evidence.count(str(number), int(rng.random() < (0.6 if number == 7 else 0.01)), 1.0)
    evidence.fit(scale=1.0)
    assert evidence.weight("7") > 3


def test_true_false_and_none_are_categories() -> None:
    evidence = CategoryEvidence()
    for category, label in ((True, 1), (False, 0), (None, 1), (True, 0), (False, 0)):
        evidence.count(category, label, 20.0)
    evidence.fit(scale=1.0)
    assert evidence.weight(None) > 0 > evidence.weight(False)


def test_categories_are_capped_and_the_frequent_ones_kept() -> None:
    evidence = CategoryEvidence()
    for label in (0, 1):
        evidence.count("loyal", label, 1000.0)
    for number in range(10 * MOST_CATEGORIES):
        evidence.count(f"made up {number}", 0, 1.0)
        assert len(evidence.counts) <= 2 * MOST_CATEGORIES
    evidence.fit(scale=1.0)
    assert len(evidence.counts) == len(evidence.weights) <= MOST_CATEGORIES
    assert "loyal" in evidence.counts


def test_long_names_are_cut() -> None:
    evidence = CategoryEvidence()
    evidence.count("x" * 10_000, 1, 1.0)
    evidence.count("y", 0, 1.0)
    evidence.fit(scale=1.0)
    assert max(map(len, evidence.counts)) == LONGEST_NAME
    assert evidence.weight("x" * 10_000) == evidence.weight("x" * LONGEST_NAME) != 0


def test_scale_makes_the_past_fade() -> None:
    evidence = CategoryEvidence()
    evidence.count("a", 1, 8.0)
    evidence.fit(scale=0.25)
    assert evidence.counts == {"a": [0.0, 2.0]}


def test_sample_is_a_ring_of_the_newest() -> None:
    sample = EventSample(capacity=4)
    for number in range(10):
        sample.keep({"n": number}, {"n": number / 10}, -number, number % 2, 1.0 + number)
    assert sample.kept == 10
    assert sorted(sample.numbers()["n"]) == [6, 7, 8, 9]
    assert sorted(sample.evidence()["n"]) == pytest.approx([0.6, 0.7, 0.8, 0.9])
    assert sorted(sample.offsets()) == [-9, -8, -7, -6]
    assert sample.labels().sum() == 2
    assert (sample.importances() == sample.numbers()["n"] + 1).all()


def test_sample_fills_what_an_event_lacks() -> None:
    sample = EventSample(capacity=3)
    sample.keep({"a": 1.0}, {}, 0.0, 0, 1.0)
    sample.keep({"b": 2.0}, {"b": 99.0}, 0.0, 1, 1.0)
    assert sample.numbers()["a"].tolist() == pytest.approx([1.0, math.nan], nan_ok=True)
    assert sample.numbers()["b"].tolist() == pytest.approx([math.nan, 2.0], nan_ok=True)
    assert sample.evidence()["b"].tolist() == [0.0, 32.0]


def simulate(weights: Floats, events: int = 4000) -> tuple[Floats, NDArray[np.bool_]]:
    rng = np.random.default_rng(1)
    evidence = rng.normal(size=(events, len(weights)))
    rates = 1 / (1 + np.exp(-(evidence @ weights)))
    return evidence, rng.random(events) < rates


def test_weights_equal_those_of_scikit_learn_where_events_are_many() -> None:
    evidence, labels = simulate(np.array([2.0, 1.0, 0.0]))
    found = fit_weights(evidence, np.zeros(4000), labels, np.ones(4000), np.array([1.0] * 3 + [0]))
    oracle = LogisticRegression(C=1e6).fit(evidence, labels)
    assert found[:3] == pytest.approx(oracle.coef_[0], abs=0.12)
    assert found[3] == pytest.approx(oracle.intercept_[0], abs=0.05)


def test_weights_stay_at_one_while_events_are_few() -> None:
    evidence, labels = simulate(np.array([3.0, 0.0]), events=10)
    found = fit_weights(evidence, np.zeros(10), labels, np.ones(10), np.array([1.0, 1.0, 0.0]))
    assert found == pytest.approx([1.0, 1.0, 0.0], abs=0.3)


def test_evidence_that_is_said_twice_counts_once() -> None:
    said, labels = simulate(np.array([1.0]))
    twice = np.column_stack([said, said])
    found = fit_weights(twice, np.zeros(4000), labels, np.ones(4000), np.array([1.0, 1.0, 0.0]))
    assert found[:2] == pytest.approx([0.5, 0.5], abs=0.06)

"""The parts of the clusterer: its sample, its measure, its search, its identities, its words."""

from __future__ import annotations

import math
import pickle
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import adjusted_rand_score

from flows.learning.models import cluster_portraits as portraits
from flows.learning.models.cluster_identity import matched, numbered
from flows.learning.models.cluster_scale import FARTHEST, Scale
from flows.learning.models.cluster_search import nearest, search, squared_distances
from flows.learning.models.latest_sample import (
    FEWEST_SETTLED,
    LONGEST_CATEGORY,
    MOST_COLUMNS,
    Floats,
    LatestSample,
)

nan = math.nan


def sample(things: Sequence[Any], capacity: int = 1000) -> LatestSample:
    kept = LatestSample(capacity, "id")
    for number, thing in enumerate(things):
        kept.keep({"id": thing, "size": float(number), "colour": f"c{number}"})
    return kept


@given(st.lists(st.integers(0, 12), max_size=80), st.integers(1, 8))
def test_the_newest_description_of_each_thing_is_kept(things: list[int], capacity: int) -> None:
    kept = sample(things, capacity)
    expected: OrderedDict[int, int] = OrderedDict()
    for number, thing in enumerate(things):
        expected.pop(thing, None)
        expected[thing] = number
        if len(expected) > capacity:
            expected.popitem(last=False)
    assert len(kept) == len(expected)
    assert kept.numbers(len(kept)).ravel().tolist() == list(map(float, expected.values()))
    said = [{"colour": f"c{number}"} for number in expected.values()]
    assert kept.categories(len(kept)) == said


def test_without_a_key_every_description_is_of_something_new() -> None:
    kept = LatestSample(3)
    for _ in range(5):
        kept.keep({"x": 1.0})
    assert len(kept) == kept.settled == 3
    assert kept.things == 5


def test_columns_come_as_they_are_first_seen_and_what_is_missing_is_nan() -> None:
    kept = LatestSample(10, "id")
    kept.keep({"id": 1, "b": 1, "name": "x"})
    kept.keep({"id": 2, "a": True, "b": None})
    kept.keep({"id": 3, "a": 10**400, "b": "text", "name": "y" * 1000})
    np.testing.assert_array_equal(kept.numbers(3), [[1, nan], [nan, 1], [nan, 1e30]])
    assert kept.categories(3) == [{"name": "x"}, {}, {"b": "text", "name": "y" * LONGEST_CATEGORY}]


def test_columns_are_bounded() -> None:
    kept = LatestSample(10)
    for number in range(300):
        kept.keep({f"x{number}": 1.0})
    assert len(kept.columns) == MOST_COLUMNS


def test_things_that_are_silent_for_long_are_settled() -> None:
    """Ten things at a time, twenty descriptions each: a pause is of ten descriptions."""
    order = [10 * group + number for group in range(30) for _ in range(20) for number in range(10)]
    kept = sample(order)
    assert len(kept) == 300
    assert 285 <= kept.settled <= 297


def test_all_things_count_while_hardly_any_are_settled() -> None:
    kept = sample(list(range(FEWEST_SETTLED)) * 5)
    assert kept.settled == len(kept) == FEWEST_SETTLED


def test_forgetting_keeps_the_newest() -> None:
    kept = sample(range(10))
    kept.forget(3)
    assert kept.numbers(3).ravel().tolist() == [7.0, 8.0, 9.0]
    kept.forget(3)
    assert len(kept) == 3


tables = arrays(np.float64, (20, 3), elements=st.floats(0, 1e4, allow_subnormal=False))


def scale(table: Floats, **kinds: Any) -> Scale:
    made = Scale(**kinds)
    made.fit("abc", table)
    return made


@given(tables, st.booleans())
def test_one_row_is_scaled_as_the_table_is(table: Floats, gap: bool) -> None:
    if gap:
        table[3, 1] = nan
    made = scale(table, logarithms={"a"}, shares={"b"})
    for row, scaled in zip(table.tolist(), made.all(table), strict=True):
        np.testing.assert_allclose(made.one(tuple(row)), scaled, atol=1e-6)


@given(tables)
def test_scaled_columns_are_standard_and_bounded(table: Floats) -> None:
    scaled = scale(table).all(table)
    assert np.abs(scaled).max() <= FARTHEST
    for column, values in zip(scaled.T, table.T, strict=True):
        if np.ptp(values) > 1e-3 and np.abs(column).max() < FARTHEST:
            assert column.mean() == pytest.approx(0, abs=1e-6)
            assert column.std() == pytest.approx(1, abs=1e-6)


def test_ratios_and_angles_are_compared() -> None:
    table = np.array([[9.0, 0.0, 1.0], [99.0, 0.5, 1.0], [999.0, 1.0, 1.0]])
    scaled = scale(table, logarithms={"a"}, shares={"b"}).all(table)
    for column in scaled.T[:2]:
        assert column[1] - column[0] == pytest.approx(column[2] - column[1])
    assert scaled[:, 2].tolist() == [0.0, 0.0, 0.0]


@given(tables, arrays(np.float64, (4, 3), elements=st.floats(-2, 2)))
def test_centres_survive_a_change_of_scale(table: Floats, centres: Floats) -> None:
    made = scale(table)
    known = np.isfinite(made.spread)
    back = made.scaled(made.straightened(centres))
    np.testing.assert_allclose(back[:, known], centres[:, known], atol=1e-4)


def test_a_column_that_came_later_puts_former_centres_at_its_mean() -> None:
    made = scale(np.arange(6.0).reshape(2, 3))
    assert made.scaled(np.array([[0.0, 1.0]])).tolist() == [[-1.0, -1.0, 0.0]]


def blobs(count: int, number: int, seed: int = 0, apart: float = 8.0) -> tuple[Floats, list[int]]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(number, size=count)
    centres = apart * np.array([[one % 3, one // 3] for one in range(number)])
    points: Floats = centres[labels] + rng.normal(size=(count, 2))
    return points, labels.tolist()


@pytest.mark.parametrize("number", [2, 3, 5, 7])
@pytest.mark.parametrize("count", [150, 900])
def test_search_finds_how_many_clusters_there_are(number: int, count: int) -> None:
    points, labels = blobs(count, number, seed=number)
    found = search(points, 12, None, 0.0)
    assert len(found.centres) == number
    assert adjusted_rand_score(labels, found.members) > 0.98
    assert (found.members == nearest(points, found.centres)).all()
    assert -1 <= found.silhouette <= 1


def test_search_is_the_same_each_time() -> None:
    points, _ = blobs(500, 4)
    first, second = (search(points.copy(), 12, None, 0.0) for _ in range(2))
    np.testing.assert_array_equal(first.centres, second.centres)


def test_a_few_outliers_make_no_cluster() -> None:
    points, _ = blobs(400, 2)
    points[:3] = [[60, 60], [60, 61], [61, 60]]
    found = search(points, 12, None, 0.0)
    assert np.bincount(found.members).min() >= 8


def test_the_former_number_of_clusters_has_a_head_start() -> None:
    points, _ = blobs(600, 3)
    former = search(points, 2, None, 0.0).centres
    assert len(search(points, 12, former.copy(), 0.0).centres) == 3
    assert len(search(points, 12, former.copy(), 1.0).centres) == 2


@pytest.mark.parametrize("points", [np.zeros((50, 2)), np.ones((2, 1)), np.eye(3)])
def test_search_survives_points_without_structure(points: Floats) -> None:
    found = search(points, 12, None, 0.0)
    assert np.isfinite(found.centres).all()
    assert len(found.members) == len(points)


@given(arrays(np.float64, (5, 3), elements=st.floats(-9, 9)))
def test_squared_distances_are_those_of_pythagoras(points: Floats) -> None:
    expected = [[math.dist(a, b) ** 2 for b in points[:2]] for a in points]
    np.testing.assert_allclose(squared_distances(points, points[:2]), expected, atol=1e-9)


def members(*groups: tuple[int, int]) -> Any:
    """Pairs of cluster and how many points."""
    return np.concatenate([np.full(size, cluster) for cluster, size in groups])


def test_clusters_that_are_only_renumbered_keep_their_identity() -> None:
    former, new = members((0, 30), (1, 20), (2, 10)), members((2, 30), (0, 20), (1, 10))
    assert matched(former, new, 3, 3) == [1, 2, 0]


def test_a_cluster_that_splits_goes_on_as_its_larger_part() -> None:
    assert matched(members((0, 50)), members((0, 20), (1, 30)), 1, 2) == [None, 0]


def test_of_clusters_that_merge_the_larger_goes_on() -> None:
    former, new = members((0, 20), (1, 30), (2, 9)), members((0, 50), (1, 9))
    assert matched(former, new, 3, 2) == [1, 2]


def test_what_shares_too_little_is_somebody_new() -> None:
    former = members((0, 95), (1, 5))
    new = np.concatenate([members((1, 90)), members((0, 10))])
    assert matched(former, new, 2, 2) == [1, 0]
    assert matched(members((0, 100)), members((0, 90), (1, 10)), 1, 2) == [0, None]


def test_new_clusters_get_numbers_that_were_never_used() -> None:
    assert numbered([1, None, 0, None], [7, 4], 9) == [4, 9, 7, 10]


WORDS = {"price": ("low prices", "high prices"), "size": ("small", "large")}


def test_names_tell_what_is_far_from_the_mean() -> None:
    chosen = portraits.traits({"price": -1.2, "size": 0.2, "age_years": 2.0}, (), [])
    assert chosen == (("age_years", True), ("price", False))
    assert portraits.in_words(chosen, WORDS) == "much age years · low prices"


def test_names_are_told_apart() -> None:
    first = portraits.traits({"price": 1.0, "size": 0.3}, (), [])
    second = portraits.traits({"price": 1.5, "size": -0.1}, (), [first])
    assert portraits.in_words(second, WORDS) == "high prices · small"


def test_a_name_lasts_while_it_holds() -> None:
    former = (("price", True),)
    assert portraits.traits({"price": 0.5, "size": 3.0}, former, []) == former
    assert portraits.traits({"price": 0.1, "size": 3.0}, former, []) == (("size", True),)
    assert portraits.traits({"price": 0.5, "size": 3.0}, former, [former]) != former


def test_distributions_leave_out_what_is_missing() -> None:
    told = portraits.distribution(np.array([1.0, nan, 3.0, 2.0]))
    assert (told["count"], told["mean"], told["q50"]) == (3, 2.0, 2.0)
    assert portraits.distribution(np.array([nan])) == {"count": 0}


def test_shares_are_of_the_commonest_categories() -> None:
    said = [{"os": "iOS"}] * 3 + [{"os": "Linux"}]
    told = portraits.shares(said)
    assert told == {"os": {"iOS": 0.75, "Linux": 0.25}}


def test_the_map_keeps_distances_of_what_lies_in_a_plane() -> None:
    centres = np.array([[0.0, 0, 1], [3, 0, 1], [0, 4, 1]])
    for weights in (np.ones(3), np.array([5.0, 1, 2])):
        plane = portraits.flat_map(centres, weights)
        expected = np.sqrt(squared_distances(centres, centres))
        np.testing.assert_allclose(np.sqrt(squared_distances(plane, plane)), expected, atol=1e-9)


def test_the_map_is_the_same_way_round_each_time() -> None:
    centres = np.random.default_rng(0).normal(size=(5, 4))
    plane = portraits.flat_map(centres, np.ones(5))
    np.testing.assert_allclose(portraits.flat_map(centres[::-1], np.ones(5))[::-1], plane)
    assert portraits.flat_map(np.zeros((0, 3)), np.zeros(0)).shape == (0, 2)
    assert portraits.flat_map(np.ones((2, 1)), np.ones(2)).shape == (2, 2)


def test_a_sample_survives_pickling() -> None:
    kept = sample([1, 2, 1, 3])
    restored = pickle.loads(pickle.dumps(kept))  # noqa: S301
    np.testing.assert_array_equal(restored.numbers(3), kept.numbers(3))

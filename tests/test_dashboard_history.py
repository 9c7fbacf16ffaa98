"""A curve that goes on from what is known, and what of it is drawn."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.history import ALL, joined, thinned, within


def points(*seconds: float) -> list[dict[str, Any]]:
    return [{"time": second, "events_learned": int(10 * second)} for second in seconds]


def times(found: list[dict[str, Any]] | None) -> list[float] | None:
    return None if found is None else [point["time"] for point in found]


@pytest.mark.parametrize(
    ("known", "newest", "expected"),
    [
        (points(1, 2, 3), points(2, 3, 4, 5), [1, 2, 3, 4, 5]),
        (points(1, 2, 3), points(3), [1, 2, 3]),
        (points(1, 2), points(4, 5), None),
        ([], points(1), None),
        (points(1), [], None),
    ],
    ids=["goes on", "nothing new", "some are missing", "first look", "forgotten"],
)
def test_newest_points_join_those_that_are_known(
    known: Any, newest: Any, expected: list[float] | None
) -> None:
    assert times(joined(known, newest)) == expected


def test_curve_is_no_longer_than_what_the_api_keeps() -> None:
    known = points(*range(ALL))
    assert times(joined(known, points(ALL - 1, ALL))) == list(range(1, ALL + 1))


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ("", [1, 2, 3, 4]),
        ("time", [1, 2, 3, 4]),
        ("20", [2, 3, 4]),
        ("1s", [3, 4]),
        ("600s", [1, 2, 3, 4]),
        ("nonsense", [1, 2, 3, 4]),
    ],
)
def test_window_is_of_events_or_of_seconds(window: str, expected: list[float]) -> None:
    assert times(within(points(1, 2, 3, 4), window)) == expected
    assert within([], window) == []


@given(st.integers(0, 500), st.integers(1, 60))
def test_thinned_curve_keeps_its_end_and_its_order(count: int, most: int) -> None:
    whole = points(*range(count))
    kept = thinned(whole, most)
    assert len(kept) <= most
    assert kept[-1:] == whole[-1:]
    assert kept == sorted(kept, key=lambda point: float(point["time"]))

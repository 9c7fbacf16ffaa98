"""Quality, drift and anomalies: what is said against a column, and how much."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.analytics import anomalies
from api.analytics.associations import correlation_ratio, cramers_v
from api.analytics.drift import FEWEST, noise, stability_index
from api.analytics.figures import Rates
from api.analytics.quality import Seen, quality
from tests.analytics_rows import column, of, profiled

START = datetime(2026, 1, 1, tzinfo=UTC)
CITIES = "{'city': 'Rome'} AS place"


def reasons(view: str, name: str) -> str:
    return "; ".join(one.detail for one in column(profiled(view), name).reasons)


def test_nothing_against_a_column_is_a_hundred() -> None:
    assert quality(Seen(rows=10, nulls=0, distinct=10)) == (100.0, [])


def test_an_empty_table_is_no_fault() -> None:
    assert quality(Seen(rows=0, nulls=0, distinct=0)) == (100.0, [])


@given(st.lists(st.integers(0, 100), min_size=5, max_size=5), st.none() | st.floats(0, 5))
def test_score_is_a_hundred_less_its_reasons(counts: list[int], drift: float | None) -> None:
    nulls, outside, strangers, later, repeated = counts
    seen = Seen(
        rows=100,
        nulls=nulls,
        distinct=2,
        outside=outside,
        strangers=strangers,
        later=later,
        repeated=repeated,
        drift=drift,
    )
    score, told = quality(seen)
    assert 0 <= score <= 100
    assert score == pytest.approx(max(0, 100 - sum(one.points for one in told)), abs=0.11)
    assert [one.points for one in told] == sorted((one.points for one in told), reverse=True)


@pytest.mark.parametrize(
    ("values", "name", "said"),
    [
        ("CASE WHEN i % 10 = 0 THEN NULL ELSE i % 400 END AS amount", "amount", "200 values (10.0"),
        ("7 AS amount", "amount", "always has the same value"),
        ("i - 5.0 AS amount", "amount", "outside 0 to 500"),
        (CITIES.replace("'Rome'", "'Rome' || i % 2"), "place.city", "none of the values"),
        (CITIES.replace("'Rome'", "' Rome'"), "place.city", "begin or end with spaces"),
        (CITIES.replace("'Rome'", "CASE i WHEN 3 THEN '' ELSE 'Rome' END"), "place.city", "empty"),
        ("CASE WHEN i < 1500 THEN i % 10 ELSE 400 END AS amount", "amount", "differs much"),
        ("CASE WHEN i % 50 = 0 THEN 400 ELSE i % 7 END AS amount", "amount", "interquartile"),
    ],
)
def test_reasons_name_what_is_wrong(values: str, name: str, said: str) -> None:
    found = reasons(of(values), name)
    assert said.replace(" ", "") in found.replace("\u202f", "").replace(" ", "")


def test_times_in_the_future_are_told() -> None:
    assert "in the future" in reasons(of("1 AS amount").replace("2026-01", "2999-01"), "time")


def test_an_identity_that_comes_twice_is_told() -> None:
    told = profiled(of("i AS amount").replace("'id-' || i AS id", "'id-' || i // 2 AS id"))
    assert column(told, "id").reasons[0].points >= 10
    (found,) = [one for one in told.anomalies if one.kind == "duplicate"]
    assert (found.column, found.severity) == ("id", "high")
    assert "1000 rows" in found.detail


def test_what_changed_since_the_time_before_is_told() -> None:
    changed = of("CASE WHEN i < 1000 THEN i % 10 ELSE 5 + i % 10 END AS amount")
    told = profiled(changed)
    assert told.windows is not None
    assert (told.windows.before.rows, told.windows.recent.rows) == (1_000, 1_000)
    (found,) = [one for one in told.anomalies if one.kind == "drift"]
    assert (found.column, found.severity) == ("amount", "high")


def test_the_newest_week_is_compared_with_the_one_before() -> None:
    rows = of("i % 10 AS amount", 3_000).replace("INTERVAL 1 MINUTE", "INTERVAL 10 MINUTE")
    told = profiled(rows)
    assert told.windows is not None
    week = told.windows.recent.until - told.windows.recent.since
    assert (week.days, told.windows.before.rows, told.windows.recent.rows) == (7, 1_008, 1_009)
    assert not [one for one in told.anomalies if one.kind == "drift"]


def test_few_rows_are_not_compared() -> None:
    assert profiled(of("i AS amount", 2 * FEWEST - 2)).windows is None


def test_a_value_far_from_all_others_is_told() -> None:
    told = profiled(of("CASE i WHEN 7 THEN 450 ELSE i % 10 END AS amount"))
    (found,) = [one for one in told.anomalies if one.kind == "value"]
    assert (found.column, found.severity) == ("amount", "medium")
    assert found.detail.startswith("450 is")


@pytest.mark.parametrize(("count", "found"), [(100, 0), (0, 1), (400, 1)])
def test_a_span_with_too_many_or_too_few_rows_is_told(count: int, found: int) -> None:
    counts = [7, *[95, 105] * 20, 9]
    counts[12] = count
    told = list(anomalies.unusual_rates(Rates(START, 60.0, counts)))
    assert len(told) == found
    assert all(
        f"{count} rows in the minute from 01 Jan 2026 00:12:00" in one.detail for one in told
    )


def test_nights_that_are_always_quiet_are_usual() -> None:
    day = [1_000 if 6 <= hour < 22 else 10 for hour in range(24)]
    told = Rates(START, 3_600.0, day * 8)
    assert list(anomalies.unusual_rates(told)) == []
    told.counts[3 * 24 + 2] = 1_000
    (found,) = anomalies.unusual_rates(told)
    assert "04 Jan 2026 02:00:00" in found.detail


def test_stability_index_is_its_formula() -> None:
    before, recent = [500, 500], [250, 750]
    expected = sum((y - x) * math.log(y / x) for x, y in ((0.5, 0.25), (0.5, 0.75)))
    assert stability_index(before, recent) == pytest.approx(expected, rel=0.01)
    assert stability_index(before, before) == pytest.approx(0)
    assert stability_index([1, 2], recent) is None


def test_stability_index_of_one_distribution_is_within_its_noise() -> None:
    rng = random.Random(7)
    for _ in range(50):
        samples = [[0] * 30, [0] * 30]
        for sample in samples:
            for _ in range(1_000):
                sample[min(29, int(rng.expovariate(0.2)))] += 1
        index = stability_index(*samples)
        assert index is not None
        assert index < noise(1_000, 1_000)


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        ({("a", 1): 500, ("b", 2): 500}, 1.0),
        ({("a", 1): 250, ("a", 2): 250, ("b", 1): 250, ("b", 2): 250}, 0.0),
        ({("a", 1): 10}, None),
        ({}, None),
    ],
)
def test_cramers_v(cells: dict[tuple[object, object], int], value: float | None) -> None:
    assert cramers_v(cells) == (None if value is None else pytest.approx(value, abs=0.01))


@pytest.mark.parametrize(
    ("groups", "value"),
    [
        ([(10, 1.0, 0.0), (10, 2.0, 0.0)], 1.0),
        ([(10, 1.0, 4.0), (10, 1.0, 4.0)], 0.0),
        ([(10, 0.0, 1.0), (10, 2.0, 1.0)], math.sqrt(0.5)),
        ([(10, 1.0, 0.0), (0, None, None)], None),
        ([], None),
    ],
)
def test_correlation_ratio(
    groups: list[tuple[int, float | None, float | None]], value: float | None
) -> None:
    assert correlation_ratio(groups) == (None if value is None else pytest.approx(value))

"""Profiles of rows whose figures are known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.analytics import taken
from api.analytics.asked import Rows
from api.analytics.figures import Profile
from tests.analytics_rows import ROWS, column, database, of, profiled

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def told() -> Profile:
    return profiled()


def test_fields_of_structs_are_columns_of_their_own(told: Profile) -> None:
    kinds = {one.name: (one.kind, one.role) for one in told.columns}
    assert kinds == {
        "id": ("text", "event"),
        "time": ("time", "event"),
        "amount": ("number", "event"),
        "place.city": ("text", "event"),
        "place.lat": ("number", "platform"),
        "paid": ("boolean", "event"),
        "label": ("number", "event"),
        "prediction_value": ("number", "prediction"),
        "kafka_log": ("text", "platform"),
    }


def test_numbers_are_those_of_numpy(told: Profile) -> None:
    values = np.arange(ROWS) / 10
    found = column(told, "amount").numbers
    assert found is not None
    assert (found.minimum, found.maximum) == (0.0, 99.9)
    assert found.mean == pytest.approx(values.mean())
    assert found.std == pytest.approx(values.std(ddof=1))
    assert found.median == pytest.approx(np.median(values))
    for share, value in found.quantiles.items():
        assert value == pytest.approx(np.quantile(values, float(share)))
    assert (found.zeros, found.negative, found.not_finite) == (1, 0, 0)


def test_counts_and_missing_values(told: Profile) -> None:
    label = column(told, "label")
    assert (label.count, label.nulls, label.distinct, label.once) == (900, 100, 2, 0)
    assert [(one.value, one.count) for one in label.top] == [(0.0, 450), (1.0, 450)]
    assert [(one.columns, one.rows) for one in told.missing] == [([], 900), (["label"], 100)]


def test_texts_are_told_by_their_values(told: Profile) -> None:
    city = column(told, "place.city")
    assert [(one.value, one.count) for one in city.top] == [("Rome", 750), ("Oslo", 250)]
    assert city.texts is not None
    assert (city.texts.shortest, city.texts.longest) == (4, 4)
    name = column(told, "id")
    assert (name.distinct, name.once, name.top) == (ROWS, ROWS, [])


def test_time_spans_the_rows(told: Profile) -> None:
    assert (told.first, told.last) == (START, START + timedelta(minutes=ROWS - 1))
    times = column(told, "time").times
    assert times is not None
    assert times.last == told.last


def test_histogram_holds_every_value(told: Profile) -> None:
    for name in ("amount", "time", "place.lat"):
        found = column(told, name).histogram
        assert found is not None
        assert len(found.edges) == len(found.counts) + 1
        assert sum(found.counts) + found.below + found.above == ROWS
    assert column(told, "place.lat").histogram.edges == [  # type: ignore[union-attr]
        -0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5,
    ]  # fmt: skip


def test_box_of_even_values_has_no_outliers(told: Profile) -> None:
    box = column(told, "amount").box
    assert box is not None
    assert (box.low, box.high, box.outliers, box.far) == (0.0, 99.9, 0, 0)
    assert (box.q1, box.median, box.q3) == pytest.approx((24.975, 49.95, 74.925))


def test_rows_over_time_add_up(told: Profile) -> None:
    assert told.rates is not None
    assert (sum(told.rates.counts), told.rates.seconds) == (ROWS, 300.0)


def test_newest_rows_are_taken() -> None:
    told = profiled(most=100)
    assert (told.rows, told.of_rows) == (100, ROWS)
    assert told.first == START + timedelta(minutes=ROWS - 100)
    assert column(told, "label").nulls == 100


def test_rows_since_a_time_are_taken() -> None:
    told = profiled(since=START + timedelta(minutes=ROWS - 10))
    assert (told.rows, told.first) == (10, START + timedelta(minutes=ROWS - 10))


def test_no_rows_have_an_empty_profile() -> None:
    told = profiled(since=datetime(2030, 1, 1, tzinfo=UTC))
    assert (told.rows, told.first, told.rates, told.windows) == (0, None, None, None)
    assert told.anomalies == []
    assert all(one.numbers is None and one.top == [] for one in told.columns)


def test_associations_know_what_goes_together(told: Profile) -> None:
    found = {(one.a, one.b): one for one in told.associations}
    assert found["amount", "prediction_value"].value == pytest.approx(1.0)
    assert found["amount", "prediction_value"].measure == "pearson"
    assert found["place.city", "paid"].measure == "cramers_v"
    assert found["place.city", "paid"].value == pytest.approx(0.577, abs=0.01)
    assert found["paid", "label"].value == pytest.approx(1.0)
    assert found["paid", "label"].measure == "correlation_ratio"
    assert found["paid", "amount"].value < 0.01


def test_infinite_and_undefined_numbers_are_counted_and_left_out() -> None:
    told = profiled(
        of("CASE i WHEN 0 THEN 'inf'::DOUBLE WHEN 1 THEN 'nan'::DOUBLE ELSE i END AS amount", 400)
    )
    amount = column(told, "amount")
    assert amount.numbers is not None
    assert (amount.numbers.not_finite, amount.numbers.maximum) == (2, 399.0)
    assert any("no finite numbers" in one.detail for one in amount.reasons)
    assert ("value", "amount") in [(one.kind, one.column) for one in told.anomalies]


@pytest.mark.parametrize("value", ["NULL::DOUBLE", "NULL::VARCHAR", "'nan'::DOUBLE", "7", "''"])
def test_a_column_of_one_value_has_a_profile(value: str) -> None:
    amount = column(profiled(of(f"{value} AS amount", 300)), "amount")
    assert amount.quality is not None
    assert amount.quality < 100
    assert amount.distinct <= 1


def test_lists_and_other_types_count_as_texts() -> None:
    told = profiled(of("[i % 2, 1] AS amount, MAP {'a': i % 3} AS paid", 100))
    assert [one.value for one in column(told, "amount").top] == ["[0, 1]", "[1, 1]"]
    assert column(told, "paid").distinct == 3


def test_names_that_need_quotes_are_quoted() -> None:
    told = profiled(of('i AS "a ""b"" --", {\'it\'\'s\': i % 3} AS "select"', 50))
    assert {'a "b" --', "select.it's"} <= {one.name for one in told.columns}
    assert column(told, "select.it's").distinct == 3


def test_columns_of_joined_views_are_looked_up_where_they_are() -> None:
    joined = of("'x' AS city", 60).replace("VIEW sales", "VIEW plain")
    view = f"{joined}; CREATE VIEW sales AS SELECT *, 'carried' AS status FROM plain"
    told = profiled(view, plain="plain")
    assert column(told, "status").top[0].value == "carried"
    assert column(told, "status").texts is None


def test_long_texts_are_cut() -> None:
    (top,) = column(profiled(of("repeat('ä', 500) AS city", 20)), "city").top
    assert len(top.value) == 120
    assert top.value.endswith("…")


def test_rows_are_kept_as_numbers_however_long_their_texts() -> None:
    with database(of("repeat('ä', 5000) || i AS city", 100)) as made:
        found = taken.take(made, Rows(view="sales", plain="sales", time="time", most=1_000))
        kinds = {str(kind) for kind in made.table(taken.TABLE).types}
    assert found.rows == 100
    assert kinds == {"UBIGINT", "DOUBLE"}


@settings(max_examples=40)
@given(st.lists(st.floats(-1e6, 1e6) | st.none(), min_size=1, max_size=40))
def test_any_numbers_have_figures_within_their_bounds(values: list[float | None]) -> None:
    listed = ", ".join("NULL" if value is None else repr(value) for value in values)
    rows = of(f"([{listed}]::DOUBLE[])[i + 1] AS amount", len(values))
    amount = column(profiled(rows), "amount")
    held = [value for value in values if value is not None]
    assert (amount.count, amount.distinct) == (len(held), len(set(held)))
    if amount.numbers is None:
        assert held == []
        return
    assert (amount.numbers.minimum, amount.numbers.maximum) == (min(held), max(held))
    assert amount.numbers.mean == pytest.approx(float(np.mean(held)), abs=1e-6, rel=1e-6)
    assert amount.histogram is not None
    told = amount.histogram
    assert sum(told.counts) + told.below + told.above == len(held)
    assert amount.box is not None
    assert min(held) <= amount.box.low <= amount.box.high <= max(held)

"""Figures of charts: they add up to the rows, whatever the chart."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from api.analytics import charts
from api.analytics.asked import ChartAsked, Rows
from api.analytics.charted import Chart, ChartFigures
from api.sql.errors import SqlError
from tests.analytics_rows import ROWS, VIEW, database, of

MANY = of(
    "sin(i) * i AS height, i % 500 / 10 AS width, 'kind ' || i % 40 AS kind, i % 3 AS few,"
    " CASE WHEN i % 5 > 0 THEN 'a' END AS gap, i % 2 = 0 AS even",
    20_000,
)
ALL: dict[str, dict[str, Any]] = {
    "bar": {"x": "kind", "y": "height", "how": "mean", "colour": "few"},
    "line": {"x": "time", "y": "height", "how": "max", "colour": "even"},
    "scatter": {"x": "width", "y": "height", "colour": "few"},
    "pie": {"x": "kind"},
    "heatmap": {"x": "kind", "y": "width", "colour": "height", "how": "median"},
    "histogram": {"x": "height", "colour": "even"},
    "box": {"x": "kind", "y": "height"},
}


def charted(view: str = MANY, most: int = 1_000_000, **asked: Any) -> ChartFigures:
    rows = Rows(view="sales", plain="sales", time="time", most=most)
    with database(view) as made:
        return charts.chart(made, ChartAsked(rows=rows, **asked))


def told(found: ChartFigures, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(found.data[name] for name in names), strict=True))


@pytest.mark.parametrize("kind", get_args(Chart))
@pytest.mark.parametrize("facet", [None, "few", "gap"])
def test_every_row_is_in_a_chart_or_told_to_be_left_out(kind: Chart, facet: str | None) -> None:
    found = charted(kind=kind, facet=facet, **ALL[kind])
    assert found.rows == found.of_rows == 20_000
    assert sum(found.data["rows"]) + found.left_out == 20_000  # type: ignore[arg-type]
    assert found.left_out <= 40
    for name, axis in (("x", found.x), ("y", found.y), ("colour", found.colour)):
        places = found.data.get(name)
        if axis is not None and places is not None:
            count = len(axis.values) or len(axis.edges) - 1
            assert all(place is not None and 0 <= place < count for place in places)
    assert (found.facet is None) == (facet is None) == ("facet" not in found.data)


def test_bars_are_what_sql_says() -> None:
    found = charted(VIEW, kind="bar", x="place.city", y="amount", how="mean", colour="paid")
    assert found.x.values == ["Rome", "Oslo"]
    assert found.colour is not None
    assert found.colour.values == ["false", "true"]
    assert found.value_name == "mean of amount"
    by = {(x, colour): value for x, colour, value in told(found, "x", "colour", "value")}
    assert by == {
        (0, 0): pytest.approx(50.0),
        (0, 1): pytest.approx(50.0),
        (1, 1): pytest.approx(49.8),
    }


@pytest.mark.parametrize(
    ("how", "value"), [("sum", 60.0), ("mean", 20.0), ("median", 20.0), ("min", 0.0), ("max", 40.0)]
)
def test_values_that_come_together_are_made_one(how: Any, value: float) -> None:
    view = of("'x' AS kind, i * 20.0 AS height", 3)
    found = charted(view, kind="bar", x="kind", y="height", how=how)
    assert told(found, "x", "value", "rows") == [(0, value, 3)]


def test_more_categories_than_fit_are_others_and_none_is_missing() -> None:
    found = charted(kind="bar", x="kind")
    assert len(found.x.values) == charts.MOST_BARS
    assert found.x.values[-1] == "others"
    assert sum(found.data["value"]) == 20_000  # type: ignore[arg-type]
    gap = charted(kind="bar", x="gap")
    assert gap.x.values == ["a", "missing"]
    assert gap.data["value"] == [16_000, 4_000]


def test_few_whole_numbers_are_categories_in_their_order() -> None:
    assert charted(kind="bar", x="few").x.values == ["0", "1", "2"]
    wide = charted(kind="bar", x="height")
    assert wide.x.values == []
    assert len(wide.x.edges) == charts.BAR_CELLS + 1


def test_line_over_time_has_many_places() -> None:
    found = charted(kind="line", x="time")
    assert (found.x.kind, len(found.x.edges)) == ("time", charts.LINE_CELLS + 1)
    assert len(found.data["x"]) == charts.LINE_CELLS
    assert found.value_name == "rows"


def test_few_points_are_told_one_by_one() -> None:
    found = charted(VIEW, kind="scatter", x="time", y="amount", colour="paid")
    assert found.exact
    assert len(found.data["x"]) == ROWS
    assert max(found.data["y"]) == 99.9  # type: ignore[type-var]
    assert found.left_out == 0


def test_many_points_are_counted_in_cells() -> None:
    found = charted(kind="scatter", x="width", y="height")
    assert not found.exact
    wide, high = charts.PIXELS[False]
    assert (len(found.x.edges), len(found.y.edges)) == (wide + 1, high + 1)  # type: ignore[union-attr]
    assert found.data["value"] == found.data["rows"]


def test_points_are_coloured_by_the_mean_of_a_number() -> None:
    found = charted(kind="scatter", x="width", y="height", colour="height")
    assert found.colour is None
    assert found.value_name == "mean of height"
    assert found.y is not None
    for y, value in told(found, "y", "value"):
        assert found.y.edges[y] - 0.01 <= value <= found.y.edges[y + 1] + 0.01


def test_heat_is_counted_unless_a_column_is_named() -> None:
    counted = charted(kind="heatmap", x="few", y="even")
    assert set(counted.data["value"]) == {3333, 3334}
    worked = charted(kind="heatmap", x="few", y="even", colour="few", how="mean")
    assert told(worked, "x", "value") == [(0, 0), (0, 0), (1, 1), (1, 1), (2, 2), (2, 2)]


def test_boxes_are_those_of_tukey() -> None:
    view = of("'x' AS kind, CASE i WHEN 100 THEN 10000 ELSE i END AS height", 101)
    found = charted(view, kind="box", x="kind", y="height")
    names = ("low", "q1", "median", "q3", "high", "rows")
    assert told(found, *names) == [(0, 25, 50, 75, 99, 101)]


def test_values_far_from_all_others_do_not_set_a_histogram_s_edges() -> None:
    view = of("CASE i WHEN 7 THEN 1e9 ELSE i % 100 END AS height", 20_000)
    found = charted(view, kind="histogram", x="height")
    assert found.x.edges[-1] < 1_000
    assert found.left_out == 1


def test_columns_of_joined_views_can_be_drawn() -> None:
    joined = of("i % 2 AS half", 60).replace("VIEW sales", "VIEW plain")
    view = f"{joined}; CREATE VIEW sales AS SELECT *, 'carried' AS status FROM plain"
    rows = Rows(view="sales", plain="plain", time="time", most=50)
    with database(view) as made:
        found = charts.chart(made, ChartAsked(rows=rows, kind="bar", x="status", colour="half"))
    assert (found.rows, found.of_rows, found.x.values) == (50, 60, ["carried"])


@pytest.mark.parametrize("value", ["NULL::DOUBLE", "'nan'::DOUBLE", "7.5", "NULL::VARCHAR"])
@pytest.mark.parametrize("kind", ["bar", "histogram", "pie"])
def test_columns_of_one_value_or_none_can_be_drawn(value: str, kind: Chart) -> None:
    found = charted(of(f"{value} AS height", 30), kind=kind, x="height")
    assert sum(found.data["rows"]) + found.left_out == 30  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", get_args(Chart))
def test_a_chart_of_no_rows_is_empty(kind: Chart) -> None:
    found = charted(MANY.replace("range(20000)", "range(0)"), kind=kind, **ALL[kind])
    assert all(values == [] for values in found.data.values())
    assert found.rows == 0


def test_names_and_values_that_need_quotes_are_quoted() -> None:
    view = of("CASE i % 2 WHEN 0 THEN 'it''s; DROP' ELSE '\"' END AS \"a \"\"b\"\"'\"", 30)
    found = charted(view, kind="bar", x='a "b"\'')
    assert sorted(found.x.values) == ['"', "it's; DROP"]
    assert found.data["value"] == [15, 15]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"kind": "bar", "x": "colour"}, "no column 'colour'; it has id, time"),
        ({"kind": "scatter", "x": "width"}, "needs a column for y"),
        ({"kind": "scatter", "x": "kind", "y": "width"}, "column of numbers"),
        ({"kind": "bar", "x": "kind", "how": "mean"}, "mean needs a column"),
        ({"kind": "bar", "x": "kind", "y": "gap", "how": "sum"}, "gap holds VARCHAR"),
        ({"kind": "pie", "x": "kind", "y": "width", "how": "mean"}, "no whole"),
    ],
)
def test_what_cannot_be_drawn_says_why(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(SqlError, match=said):
        charted(**asked)

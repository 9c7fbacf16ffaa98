"""A chart's figures, as types: what is drawn, worked out already."""

from __future__ import annotations

from typing import Literal

import msgspec

from api.sql.messages import TableVersion

Chart = Literal["bar", "line", "scatter", "pie", "heatmap", "histogram", "box"]
How = Literal["count", "sum", "mean", "median", "min", "max"]
AxisKind = Literal["category", "number", "time"]


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """What lies along an axis: `values`, by place, or cells between `edges`, by place; neither
    where rows are told one by one. Edges of times are seconds since 1970."""

    name: str
    unit: str
    kind: AxisKind
    values: list[str] = []
    edges: list[float] = []


class ChartFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What a chart shows.

    `data`: lists of equal length. `facet`, `colour`, `x` and `y` are places on the axes of that
    name, `value` is what `how` made of a column (`value_name`), `rows` of how many rows. Box plots
    have `low`, `q1`, `median`, `q3` and `high` instead of a value. With `exact`, a scatter plot has
    every row, and `x` and `y` are values. `left_out` rows lie outside the axes.
    """

    kind: Chart
    how: How
    x: Axis
    y: Axis | None
    colour: Axis | None
    facet: Axis | None
    value_name: str
    exact: bool
    data: dict[str, list[int | float | None]]
    rows: int
    of_rows: int
    left_out: int
    elapsed_ms: float
    tables: list[TableVersion]

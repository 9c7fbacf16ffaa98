"""What can be asked of the analyses; understood by the API and the processes that answer."""

from __future__ import annotations

from datetime import datetime

import msgspec

from api.analytics.charted import Chart, How


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What a project says of one value of its events: `path` is dotted where it is nested."""

    path: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows: the newest `most` of a view by its column `time`, none older than `since`.

    `plain`: a view without joins that has most of the columns, or the same one.
    """

    view: str
    plain: str
    time: str
    most: int
    since: datetime | None = None


class ProfileAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A profile; no value of the column `identity` should come twice."""

    rows: Rows
    identity: str | None
    expected: list[Expected]


class ChartAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A chart of columns by their names; those of structs with dots. `units` by column."""

    rows: Rows
    kind: Chart
    x: str
    y: str | None = None
    colour: str | None = None
    facet: str | None = None
    how: How = "count"
    units: dict[str, str] = {}

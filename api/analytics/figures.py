"""A profile, as types. Times are ISO 8601 in UTC; shares are between 0 and 1."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from api.sql.messages import TableVersion

Kind = Literal["number", "boolean", "time", "text"]
Role = Literal["event", "prediction", "platform"]
Severity = Literal["high", "medium", "low"]
Measure = Literal["pearson", "cramers_v", "correlation_ratio"]


class Histogram(msgspec.Struct, frozen=True):
    """How many values lie between each two edges, and how many `below` and `above` all of them.

    Of times, edges are seconds since 1970.
    """

    edges: list[float]
    counts: list[int]
    below: int
    above: int


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """A box plot: `low` and `high` are the last values within 1.5 interquartile ranges of the
    quartiles; `outliers` lie beyond them, `far` ones beyond 3."""

    low: float
    q1: float
    median: float
    q3: float
    high: float
    outliers: int
    far: int


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """A column of numbers. `quantiles` by share; `not_finite` values are in none of the rest."""

    mean: float
    median: float
    std: float | None
    minimum: float
    maximum: float
    skewness: float | None
    quantiles: dict[str, float]
    zeros: int
    negative: int
    not_finite: int


class Times(msgspec.Struct, frozen=True):
    """Between which times a column lies."""

    first: datetime
    last: datetime


class Texts(msgspec.Struct, frozen=True, kw_only=True):
    """Lengths of texts in characters; `blank` ones are empty or spaces, `padded` ones begin or end
    with spaces."""

    shortest: int
    longest: int
    mean_length: float
    blank: int
    padded: int


class TopValue(msgspec.Struct, frozen=True):
    """A value, and how often it comes."""

    value: Any
    count: int


class Reason(msgspec.Struct, frozen=True):
    """Why a quality score lacks so many points."""

    points: float
    detail: str


class ColumnProfile(msgspec.Struct, frozen=True, kw_only=True):
    """One column; those of structs are named with dots.

    `role`: of the event, of the prediction made for it, or of the platform. `once`: how many values
    come once. `quality`: 100 less the `reasons`, for columns of events. `drift`: the population
    stability index between the profile's two windows.
    """

    name: str
    type: str
    kind: Kind
    role: Role
    unit: str
    count: int
    nulls: int
    distinct: int
    once: int
    numbers: Numbers | None
    times: Times | None
    texts: Texts | None
    histogram: Histogram | None
    box: Box | None
    top: list[TopValue]
    quality: float | None
    reasons: list[Reason]
    drift: float | None


class Association(msgspec.Struct, frozen=True):
    """How closely two columns go together, from 0 to 1, Pearson's from -1.

    Pearson's correlation between numbers, Cramér's V (corrected for bias) between categories, and
    the correlation ratio between a category `a` and a number `b`.
    """

    a: str
    b: str
    measure: Measure
    value: float


class MissingPattern(msgspec.Struct, frozen=True):
    """So many rows lack just these columns."""

    columns: list[str]
    rows: int


class Rates(msgspec.Struct, frozen=True):
    """Rows in each of many equal spans of time, the first of which begins `since`."""

    since: datetime
    seconds: float
    counts: list[int]


class Window(msgspec.Struct, frozen=True):
    """Rows between two times."""

    since: datetime
    until: datetime
    rows: int


class Windows(msgspec.Struct, frozen=True):
    """What drift is between: the newest week and the one before, or halves of a shorter time."""

    before: Window
    recent: Window


class Anomaly(msgspec.Struct, frozen=True):
    """Something to look at: a value, a rate, a drift, or rows that come twice."""

    kind: Literal["value", "rate", "drift", "duplicate"]
    column: str | None
    severity: Severity
    detail: str


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What rows of a table are like.

    `rows` were looked at, of `of_rows` there are. `associations` are of a sample of
    `associated_rows`. `quality` is the mean of the columns'.
    """

    table: str
    rows: int
    of_rows: int
    first: datetime | None
    last: datetime | None
    quality: float | None
    columns: list[ColumnProfile]
    associations: list[Association]
    associated_rows: int
    missing: list[MissingPattern]
    rates: Rates | None
    windows: Windows | None
    anomalies: list[Anomaly]
    elapsed_ms: float
    tables: list[TableVersion]

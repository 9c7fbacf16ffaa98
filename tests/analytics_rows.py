"""A table of DuckDB's with rows whose figures are known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from api.analytics.asked import Expected, ProfileAsked, Rows
from api.analytics.figures import ColumnProfile, Profile
from api.analytics.profile import profile

ROWS = 1_000
EXPECTED = [
    Expected(path="id"),
    Expected(path="time"),
    Expected(path="amount", unit="EUR", minimum=0, maximum=500),
    Expected(path="place.city", choices=("Rome", "Oslo")),
    Expected(path="paid"),
    Expected(path="label", minimum=0, maximum=1),
]
VIEW = f"""
CREATE VIEW sales AS SELECT
  'id-' || i AS id,
  TIMESTAMPTZ '2026-01-01 00:00:00+00' + i * INTERVAL 1 MINUTE AS time,
  i / 10.0 AS amount,
  {{'city': CASE WHEN i % 4 = 0 THEN 'Oslo' ELSE 'Rome' END, 'lat': i % 7}} AS place,
  i % 2 = 0 AS paid,
  CASE WHEN i >= 900 THEN NULL ELSE i % 2 END AS label,
  0.5 + i AS prediction_value,
  'log' AS kafka_log
FROM range({ROWS}) AS t(i)
"""


@contextmanager
def database(view: str = VIEW) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with the view `sales`."""
    with duckdb.connect(":memory:") as made:
        made.execute("SET TimeZone='UTC'")
        made.execute(view)
        yield made


def profiled(view: str = VIEW, **changes: Any) -> Profile:
    """The profile of a view `sales`."""
    asked = {"view": "sales", "plain": "sales", "time": "time", "most": 1_000_000, **changes}
    with database(view) as made:
        return profile(made, ProfileAsked(rows=Rows(**asked), identity="id", expected=EXPECTED))


def column(told: Profile, name: str) -> ColumnProfile:
    """One of its columns."""
    return next(one for one in told.columns if one.name == name)


def of(values: str, rows: int = 2_000) -> str:
    """A view of an id, a time a minute apart, and `values`, in which `i` counts the rows."""
    return (
        f"CREATE VIEW sales AS SELECT 'id-' || i AS id, TIMESTAMPTZ '2026-01-01 00:00:00+00'"
        f" + i * INTERVAL 1 MINUTE AS time, {values} FROM range({rows}) AS t(i)"
    )

"""SQL that is clicked together: accepted by the sandbox, and nothing else than was clicked."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.sql.reading import TABLE_FUNCTIONS, read
from dashboard.columns import offered
from dashboard.queries import (
    FUNCTIONS,
    OPERATORS,
    ROWS,
    Description,
    Filter,
    Offered,
    Order,
    QueryError,
    Shown,
    description,
    sql,
)

NAMES = ("id", "amount", "time", "paid", "place.city", "place.lat", 'a "b".c; --', "{0}")
EVIL = ["'; DROP TABLE sales; --", "\\'", "' OR 1=1 --", "{1}", '"', "/*", "%", "\ufeff", "ä\n"]
VIEW = """
CREATE TABLE sales AS SELECT 'id-' || i AS id, i * 1.5 AS amount, i % 2 = 0 AS paid,
  TIMESTAMPTZ '2026-01-01 00:00:00+00' + i * INTERVAL 1 HOUR AS time,
  {'city': CASE WHEN i % 4 = 0 THEN 'Oslo' ELSE 'Rome' END, 'lat': i % 7} AS place,
  CASE WHEN i < 5 THEN i END AS "a ""b"".c; --", 1 AS "{0}"
FROM range(20) t(i)
"""


def table() -> tuple[duckdb.DuckDBPyConnection, Offered]:
    made = duckdb.connect(":memory:")
    made.execute("SET TimeZone='UTC'")
    made.execute(VIEW)
    whole = made.table("sales")
    told = [
        {"name": name, "type": str(kind)}
        for name, kind in zip(whole.columns, whole.types, strict=True)
    ]
    return made, offered(told)


DATABASE, OFFERED = table()


def answer(**asked: Any) -> list[tuple[Any, ...]]:
    return DATABASE.execute(sql(Description("sales", **asked), OFFERED)).fetchall()


def count(column: str, operator: str, value: str = "") -> int:
    filters = [Filter(column, operator, value)]
    (row,) = answer(columns=[Shown(ROWS, "count")], filters=filters)
    return int(row[0])


def test_fields_of_structs_are_offered_by_themselves() -> None:
    assert OFFERED.kinds == {
        "id": "text",
        "amount": "number",
        "paid": "boolean",
        "time": "time",
        "place.city": "text",
        "place.lat": "number",
        'a "b".c; --': "number",
        "{0}": "number",
    }
    assert OFFERED.paths["place.lat"] == ("place", "lat")


@pytest.mark.parametrize(
    ("kind", "paths"),
    [
        ("STRUCT(a INTEGER, b STRUCT(c VARCHAR, d DOUBLE))", ["x.a", "x.b.c", "x.b.d"]),
        ('STRUCT("a, b" INTEGER, "c ""d""" DATE)', ["x.a, b", 'x.c "d"']),
        ("STRUCT(a INTEGER[], b MAP(VARCHAR, INTEGER))", ["x.a", "x.b"]),
        ("DECIMAL(18,3)", ["x"]),
        ("STRUCT(a INTEGER)[]", ["x"]),
    ],
)
def test_types_are_taken_apart(kind: str, paths: list[str]) -> None:
    assert list(offered([{"name": "x", "type": kind}]).kinds) == paths


def test_nothing_chosen_is_everything() -> None:
    assert sql(Description("sales"), OFFERED) == 'SELECT *\nFROM "sales"\nLIMIT 100'


def test_what_is_clicked_is_what_is_written() -> None:
    asked = Description(
        "sales",
        [Shown("place.city"), Shown("amount", "mean"), Shown(ROWS, "count")],
        [Filter("amount", ">", "3"), Filter("place.city", "is not", "it's")],
        [Order(1, True), Order(0)],
        20,
    )
    assert sql(asked, OFFERED).splitlines() == [
        'SELECT "place"."city" AS "place.city",',
        '  avg("amount") AS "mean of amount",',
        "  count(*) AS rows",
        'FROM "sales"',
        'WHERE "amount" > 3',
        """  AND "place"."city" IS DISTINCT FROM 'it''s'""",
        "GROUP BY 1",
        "ORDER BY 2 DESC, 1",
        "LIMIT 20",
    ]


def test_groups_are_made_of_columns_without_a_function() -> None:
    rows = answer(columns=[Shown("place.city"), Shown(ROWS, "count")], orders=[Order(0)])
    assert rows == [("Oslo", 5), ("Rome", 15)]
    assert answer(columns=[Shown("amount", "sum")]) == [(285.0,)]
    assert answer(columns=[Shown("place.city", "distinct")]) == [(2,)]


@pytest.mark.parametrize(
    ("column", "operator", "value", "rows"),
    [
        ("amount", "is", "3", 1),
        ("amount", "≤", "3.0", 3),
        ("amount", "≥", "-1e3", 20),
        ("time", "<", "2026-01-01 02:00", 2),
        ("time", ">", "2026-01-01T20:00:00+02:00", 1),
        ("paid", "is", " TRUE ", 10),
        ("place.city", "contains", "OM", 15),
        ("id", "starts with", "id-1", 11),
        ("id", "contains", "%", 0),
        ('a "b".c; --', "is missing", "", 15),
        ('a "b".c; --', "is there", "", 5),
        ('a "b".c; --', "is not", "1", 19),
        ("{0}", "is", "1", 20),
        ("id", "is", "{1}", 0),
    ],
)
def test_filters_leave_what_they_say(column: str, operator: str, value: str, rows: int) -> None:
    assert count(column, operator, value) == rows


@pytest.mark.parametrize("evil", EVIL)
def test_values_are_only_values(evil: str) -> None:
    for operator in ("is", "contains", "starts with"):
        assert count("id", operator, evil) == 0
    assert count("id", "is not", evil) == 20


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"columns": [Shown("nothing")]}, "no column 'nothing'"),
        ({"columns": [Shown("id", "sum")]}, "holds no numbers"),
        ({"columns": [Shown("id", "system")]}, "no function 'system'"),
        ({"filters": [Filter("amount", "is", "many")]}, "that is no number"),
        ({"filters": [Filter("amount", "is", "nan")]}, "that is no number"),
        ({"filters": [Filter("time", "is", "soon")]}, "say a time like"),
        ({"filters": [Filter("paid", "is", "perhaps")]}, "say true or false"),
        ({"filters": [Filter("id", "is", "\0")]}, "zero byte"),
        ({"filters": [Filter("id", "~", "a")]}, "no comparison '~'"),
        ({"orders": [Order(0)]}, "a column that it does not have"),
        ({"limit": 0}, "from 1 to 10000"),
        ({"limit": 10_001}, "from 1 to 10000"),
        ({"columns": [Shown("id")] * 51}, "more than 50"),
    ],
)
def test_what_is_no_query_says_why(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(QueryError, match=said):
        sql(Description("sales", **asked), OFFERED)


def test_descriptions_come_from_a_browser() -> None:
    told = {
        "columns": [{"name": "id", "function": ""}],
        "filters": [{"column": "amount", "operator": "<", "value": 2}],
        "orders": [{"place": 0, "down": True}],
        "limit": "7",
    }
    found = description("sales", told)
    assert (found.limit, found.orders) == (7, [Order(0, True)])
    assert DATABASE.execute(sql(found, OFFERED)).fetchall() == [("id-1",), ("id-0",)]
    for broken in ({}, {**told, "limit": None}, {**told, "columns": [1]}, {**told, "limit": "x"}):
        with pytest.raises(QueryError, match="cannot be read"):
            description("sales", broken)


ANY_TEXT = st.text(max_size=20) | st.sampled_from(EVIL)
SHOWN = st.builds(Shown, st.sampled_from([*NAMES, ROWS]), st.sampled_from(list(FUNCTIONS)))
FILTERS = st.builds(Filter, st.sampled_from(NAMES), st.sampled_from(list(OPERATORS)), ANY_TEXT)
ORDERS = st.builds(Order, st.integers(0, 3), st.booleans())


@settings(max_examples=150)
@given(
    st.lists(SHOWN, max_size=4),
    st.lists(FILTERS, max_size=3),
    st.lists(ORDERS, max_size=2),
    st.integers(1, 10_000),
)
def test_whatever_is_made_the_sandbox_accepts_and_runs(
    columns: list[Shown], filters: list[Filter], orders: list[Order], limit: int
) -> None:
    try:
        text = sql(Description("sales", columns, filters, orders, limit), OFFERED)
    except QueryError as refused:
        assert str(refused)
        return
    reading = read(text, {"sales", "secrets"}, TABLE_FUNCTIONS)
    assert reading.tables == {"sales"}
    relation = DATABASE.sql(reading.text)
    assert len(relation.columns) == (len(columns) or 7)
    assert len(relation) <= min(limit, 20)

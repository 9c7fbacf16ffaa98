"""Which texts may run, as DuckDB's own parser reads them."""

from __future__ import annotations

import pytest

from api.sql.errors import SqlError, SqlNotAllowed
from api.sql.reading import LONGEST_TEXT, TABLE_FUNCTIONS, Reading, read

OFFERED = ("fraud", "fraud_events")


def reading(text: str) -> Reading:
    return read(text, OFFERED, TABLE_FUNCTIONS)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM fraud",
        "select 1",
        "FROM fraud",
        "TABLE fraud",
        "VALUES (1, 'a')",
        "DESCRIBE fraud",
        "SUMMARIZE fraud",
        "EXPLAIN SELECT * FROM fraud",
        "explain analyze select * from fraud;",
        "SELECT * FROM main.fraud",
        'SELECT * FROM "FRAUD" AS "set; load"',
        "SELECT 'DROP TABLE x; --', \"limit\" FROM fraud -- ; limit",
        "/* first */ SELECT 1 /* ( */ ; -- and\n /* last */ ;",
        "SELECT 'a; -- b'",
        "SELECT replace(currency, 'a', 'b'), $$a;b$$ FROM fraud",
        "WITH a AS (SELECT * FROM fraud), b AS (SELECT * FROM a) SELECT * FROM a JOIN b USING (x)",
        "WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM r) FROM r LIMIT 3",
        "SELECT * FROM fraud UNION ALL (SELECT * FROM fraud_events) ORDER BY ALL LIMIT 10%",
        "SELECT sum(x) FILTER (y) OVER (PARTITION BY z ORDER BY t DESC NULLS LAST) FROM fraud",
        "SELECT * EXCLUDE (a) REPLACE (b + 1 AS b) FROM fraud GROUP BY CUBE (a) QUALIFY true",
        "SELECT (SELECT max(a) FROM fraud), EXISTS (FROM fraud), a IN (FROM fraud_events)",
        "SELECT a::DECIMAL(9, 2), b::STRUCT(c INT)[], CAST(d AS MAP(INT, TEXT)) FROM fraud",
        "SELECT list_transform([1, 2], lambda x: x + 1), {'a': 1}, [x FOR x IN [1]] FROM fraud",
        "SELECT * FROM fraud PIVOT (sum(amount) FOR currency IN ('USD', 'EUR'))",
        "SELECT * FROM fraud UNPIVOT (v FOR n IN (a, b))",
        "SELECT * FROM fraud TABLESAMPLE 10%",
        "FROM fraud ASOF JOIN fraud_events USING (t), LATERAL (SELECT 1), range(3), unnest([1])",
        "SELECT DISTINCT ON (a) b FROM fraud ORDER BY a, b DESC LIMIT 3 OFFSET 2",
        "SELECT CASE WHEN a BETWEEN 1 AND 2 THEN b END, INTERVAL 3 DAY, COLUMNS('a.*') FROM fraud",
    ],
)
def test_reading_is_allowed(text: str) -> None:
    assert reading(text).text


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("SELECT 1", set()),
        ("SELECT * FROM Fraud, (SELECT * FROM fraud_events)", {"fraud", "fraud_events"}),
        ("WITH a AS (FROM fraud) SELECT * FROM a", {"fraud"}),
        ("EXPLAIN SELECT (SELECT max(x) FROM fraud_events)", {"fraud_events"}),
    ],
)
def test_named_tables_are_told(text: str, named: set[str]) -> None:
    assert reading(text).tables == named


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-- nothing",
        "SELECT 1; SELECT 2",
        "SELECT 1;;SELECT 2",
        "INSERT INTO fraud VALUES (1)",
        "WITH a AS (INSERT INTO fraud VALUES (1) RETURNING *) SELECT * FROM a",
        "WITH a AS (DELETE FROM fraud RETURNING *) SELECT * FROM a",
        "WITH a AS (UPDATE fraud SET x = 1 RETURNING x) SELECT * FROM a",
        "WITH a AS (COPY fraud TO 'x.csv') SELECT 1",
        "SELECT * FROM (WITH a AS (COPY fraud TO 'x.csv') SELECT 1)",
        "EXPLAIN ANALYZE WITH a AS (COPY fraud TO 'x.csv') SELECT 1",
        "EXPLAIN COPY fraud TO 'x.csv'",
        "EXPLAIN ANALYZE DELETE FROM fraud",
        "PIVOT fraud ON a USING sum(b)",
        "SHOW TABLES",
        "SHOW ALL TABLES",
        "DESCRIBE",
        "SELECT * FROM nowhere",
        "SELECT * FROM other.fraud",
        "SELECT * FROM memory.main.fraud",
        "SELECT * FROM main.a, (WITH a AS (SELECT 1) FROM a)",
        "SELECT * FROM 'fraud.csv'",
        'WITH "/etc/passwd" AS (SELECT 1) SELECT * FROM "/etc/passwd"',
        "WITH duckdb_settings AS (SELECT 1) SELECT * FROM duckdb_settings",
        "SELECT * FROM fraud AT (VERSION => 1)",
        "SELECT * FROM fraud WHERE x IN (SELECT content FROM read_text('/etc/passwd'))",
        "SELECT * FROM main.range(3)",
        "SELECT current_setting('allowed_paths')",
    ],
)
def test_anything_else_is_not(text: str) -> None:
    with pytest.raises(SqlNotAllowed):
        reading(text)


@pytest.mark.parametrize(
    "text", ["SELEC 1", "SELECT (1", "SELECT 'a", "SELECT 1\0", "EXPLAIN EXPLAIN SELECT 1"]
)
def test_what_is_no_sql_is_an_error(text: str) -> None:
    with pytest.raises(SqlError) as caught:
        reading(text)
    assert caught.type is SqlError


def test_a_refusal_names_what_there_is() -> None:
    with pytest.raises(SqlNotAllowed, match=r"'frauds'.*fraud, fraud_events"):
        reading("SELECT * FROM frauds")


def test_a_long_text_is_refused() -> None:
    with pytest.raises(SqlNotAllowed, match="characters"):
        reading("SELECT " + "1 + " * LONGEST_TEXT + "1")


def test_what_is_explained_is_run_as_it_was_read() -> None:
    text = reading("/* a */ EXPLAIN ANALYZE SELECT 1 ; -- b").text
    assert text.split() == ["EXPLAIN", "ANALYZE", "SELECT", "1"]

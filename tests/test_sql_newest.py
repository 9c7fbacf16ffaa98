"""Queries for a few rows find these first: which those are, and that nothing else changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pyarrow as pa
import pytest

from api.sql.lake import File, Snapshot
from api.sql.messages import Engine, TableVersion
from api.sql.newest import MOST_ROWS, Newest, newest
from api.sql.pool import Pool
from api.sql.reading import read
from tests.sql_parts import EVENTS, answer, fill, limits, pool, values

ENGINES: tuple[Engine, ...] = get_args(Engine)
START = datetime(2026, 1, 1, tzinfo=UTC)
BY_TIME = (("timestamp", True),)


def asked(text: str) -> Newest | None:
    return read(text, {"fraud", "sales"}, {"range"}).newest


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT * FROM fraud ORDER BY timestamp DESC LIMIT 7", Newest("fraud", BY_TIME, 7, 0)),
        ("FROM Fraud ORDER BY Timestamp DESC", Newest("fraud", BY_TIME, None, 0)),
        ("SELECT f.amount FROM fraud f ORDER BY f.a LIMIT 3 OFFSET 4", (("a", False),)),
        ("SELECT * FROM fraud ORDER BY timestamp DESC, a ASC", (*BY_TIME, ("a", False))),
        ("SELECT * EXCLUDE (amount) FROM main.fraud LIMIT 5", ()),
        ("EXPLAIN SELECT amount FROM fraud LIMIT 5;", ()),
    ],
)
def test_a_text_that_asks_for_a_few_rows(text: str, expected: Any) -> None:
    found = asked(text)
    assert found is not None
    assert expected in (found, found.orders)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "SELECT count(*) FROM fraud ORDER BY 1 LIMIT 5",
        "SELECT -amount AS timestamp FROM fraud ORDER BY timestamp DESC LIMIT 5",
        "SELECT amount AS timestamp FROM fraud ORDER BY timestamp DESC LIMIT 5",
        "SELECT * REPLACE (amount AS timestamp) FROM fraud ORDER BY timestamp LIMIT 5",
        "SELECT * RENAME (amount AS timestamp) FROM fraud ORDER BY timestamp LIMIT 5",
        "SELECT location.timestamp FROM fraud ORDER BY timestamp LIMIT 5",
        "SELECT COLUMNS('a.*') FROM fraud LIMIT 5",
        "SELECT row_number() OVER () FROM fraud LIMIT 5",
        "SELECT DISTINCT amount FROM fraud LIMIT 5",
        "SELECT amount FROM fraud GROUP BY amount LIMIT 5",
        "SELECT amount FROM fraud GROUP BY ALL LIMIT 5",
        "SELECT * FROM fraud WHERE is_fraud = 1 LIMIT 5",
        "SELECT * FROM fraud QUALIFY row_number() OVER () > 3 LIMIT 5",
        "SELECT * FROM fraud USING SAMPLE 3",
        "SELECT * FROM fraud TABLESAMPLE 10% LIMIT 5",
        "SELECT * FROM fraud LIMIT 10%",
        "SELECT * FROM fraud LIMIT (SELECT 5)",
        "SELECT * FROM fraud LIMIT 99999999999",
        "SELECT * FROM fraud LIMIT 5 OFFSET 2 + 1",
        "SELECT * FROM fraud ORDER BY lower(a) LIMIT 5",
        "SELECT * FROM fraud ORDER BY 1 LIMIT 5",
        "SELECT * FROM fraud ORDER BY ALL LIMIT 5",
        "SELECT * FROM fraud, sales LIMIT 5",
        "SELECT * FROM fraud UNION ALL SELECT * FROM fraud LIMIT 5",
        "SELECT * FROM (SELECT * FROM fraud) LIMIT 5",
        "SELECT * FROM fraud AS f(timestamp, a) ORDER BY timestamp LIMIT 5",
        "SELECT * FROM range(5) LIMIT 5",
        "WITH fraud AS (SELECT 1 AS a) SELECT * FROM fraud LIMIT 5",
        "SUMMARIZE fraud",
    ],
)
def test_a_text_of_any_other_shape(text: str) -> None:
    assert asked(text) is None


def test_a_statement_without_tables_is_none() -> None:
    assert newest({"node": {"type": "SET_OPERATION_NODE"}}) is None


@pytest.mark.parametrize(
    ("limit", "offset", "most", "expected"),
    [
        (None, 0, 101, 101),
        (5, 0, 101, 5),
        (500, 0, 101, 101),
        (500, 7, 101, 108),
        (5, MOST_ROWS, 101, None),
    ],
)
def test_how_many_rows_decide_an_answer(
    limit: int | None, offset: int, most: int, expected: int | None
) -> None:
    assert Newest("fraud", BY_TIME, limit, offset).count(most) == expected


def files(*hours: tuple[int, int]) -> Snapshot:
    """Ten rows a file, between these hours."""
    made = [
        File(str(n), 10, START + timedelta(hours=first), START + timedelta(hours=last), False)
        for n, (first, last) in enumerate(hours)
    ]
    made.sort(key=lambda file: str(file.last), reverse=True)
    return Snapshot(TableVersion("t", 0), pa.schema([]), made, lambda _: None)


def paths(snapshot: Snapshot, count: int) -> set[str]:
    return {file.path for file in snapshot.newest(count)}


def test_only_files_that_may_hold_the_newest_rows_are_read() -> None:
    snapshot = files((0, 1), (2, 3), (4, 5), (0, 5))
    assert paths(snapshot, 10) == {"2", "3"}
    assert paths(snapshot, 11) == {"1", "2", "3"}
    assert paths(snapshot, 31) == paths(snapshot, 1000) == {"0", "1", "2", "3"}


def test_a_file_without_bounds_is_always_read() -> None:
    snapshot = files((0, 1), (2, 3))
    unknown = File("unknown", 10, None, None, True)
    snapshot = replace(snapshot, files=[*snapshot.files, unknown])
    assert paths(snapshot, 10) == {"1", "unknown"}


@pytest.fixture(scope="module", params=["local", "elsewhere"])
def queries(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pool]:
    settings = fill(tmp_path_factory.mktemp("lake"))
    lake = settings.lake_uri if request.param == "local" else f"file://{settings.lake_uri}"
    with pool(limits(settings, lake=lake)) as made:
        yield made


@pytest.mark.parametrize("engine", ENGINES)
def test_the_first_rows_are_those_of_all_rows(queries: Pool, engine: Engine) -> None:
    """Events of the lake carry a label, got it later, or have none: 20 of each, in this order."""
    for order in ("timestamp DESC", "timestamp", "kafka_offset DESC", "date, kafka_offset"):
        text = f"SELECT * FROM fraud ORDER BY {order}"
        every = values(queries, f"SELECT * FROM ({text}) AS all_of_them", engine)
        for limit, offset in ((3, 0), (15, 10), (25, 30), (100, 0), (5, 58)):
            found = values(queries, f"{text} LIMIT {limit} OFFSET {offset}", engine)
            assert found == every[offset : offset + limit]


@pytest.mark.parametrize("engine", ENGINES)
def test_more_rows_are_told_of_without_a_limit_in_the_text(queries: Pool, engine: Engine) -> None:
    text = "SELECT kafka_offset, label_status FROM fraud ORDER BY timestamp DESC"
    found = answer(queries, text, engine, limit=25)
    assert (found.row_count, found.truncated) == (25, True)
    assert [row[0] for row in found.rows] == list(range(EVENTS - 1, EVENTS - 26, -1))
    assert [row[1] for row in found.rows] == [None] * 20 + ["matched"] * 5
    assert not answer(queries, text, engine, limit=EVENTS).truncated


@pytest.mark.parametrize("engine", ENGINES)
def test_an_order_by_labels_is_of_all_rows(queries: Pool, engine: Engine) -> None:
    text = "SELECT is_fraud, kafka_offset FROM fraud ORDER BY is_fraud, kafka_offset LIMIT 70"
    found = [label for label, _ in values(queries, text, engine) if label is not None]
    assert found == sorted(found)
    assert len(found) == 40


def test_what_hides_a_column_is_ordered_by(queries: Pool) -> None:
    text = "SELECT -kafka_offset AS timestamp FROM fraud ORDER BY timestamp DESC LIMIT 3"
    assert values(queries, text) == [[0], [-1], [-2]]

"""Readers pass files over by their statistics, and never one that holds what they look for."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable

from flows.settings import Settings
from flows.stores.lake import LakeTable

PLACE = pa.struct([("lat", pa.float64()), ("name", pa.string())])
SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("real", pa.float64()),
        ("whole", pa.int64()),
        ("flag", pa.bool_()),
        ("time", pa.timestamp("us", tz="UTC")),
        ("place", PLACE),
        ("never", pa.int64()),
        ("seldom", pa.float64()),
        ("date", pa.date32()),
    ]
)
LONG = "z" * 40


def file(number: int) -> pa.Table:
    """Two rows; the first differs from file to file."""
    time = datetime(2026, 1, number + 1, 1, 1, 1, 123456, tzinfo=UTC)
    columns: list[list[Any]] = [
        [f"text {number}", LONG],
        [1.5 * number, 2.5],
        [number, 7],
        [True, False],
        [time, time],
        [{"lat": float(number), "name": "here"}, {"lat": 2.0, "name": None}],
        [None, None],
        [None, 3.0],
        [date(2026, 1, 1)] * 2,
    ]
    arrays = [pa.array(one, field.type) for one, field in zip(columns, SCHEMA, strict=True)]
    return pa.table(arrays, schema=SCHEMA)


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    lake = tmp_path_factory.mktemp("lake")
    table = LakeTable(Settings(_env_file=None, lake_uri=str(lake)), "rows", SCHEMA)
    for number in range(3):
        table.commit(table.stage(file(number)), {"log": number - 1}, {"log": number})
    return str(Path(lake) / "rows")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("text = 'text 1'", 1),
        ("text LIKE 'z%'", 3),
        (f"text = '{LONG}'", 3),
        ("real = 1.5", 1),
        ("whole = 7", 3),
        ("flag", 3),
        ("NOT flag", 3),
        ("time >= TIMESTAMPTZ '2026-01-02 00:00:00+00'", 4),
        ("time = TIMESTAMPTZ '2026-01-02 01:01:01.123456+00'", 2),
        ("place.lat = 1", 1),
        ("place.name = 'here'", 3),
        ("place.name IS NULL", 3),
        ("never IS NULL", 6),
        ("never IS NOT NULL", 0),
        ("seldom = 3", 3),
        ("seldom IS NULL", 3),
        ("date = DATE '2026-01-01'", 6),
    ],
)
def test_a_condition_on_any_column_finds_its_rows(uri: str, condition: str, expected: int) -> None:
    rows = DeltaTable(uri).to_pyarrow_dataset()
    with duckdb.connect() as connection:
        connection.register("lake", rows)
        found = connection.execute(f"SELECT count(*) FROM lake WHERE {condition}").fetchall()  # noqa: S608
    assert found == [(expected,)]


def test_polars_finds_the_same(uri: str) -> None:
    rows = pl.scan_delta(uri)
    assert rows.filter(pl.col("text") == "text 1").collect().height == 1
    assert rows.filter(pl.col("text") == LONG).collect().height == 3
    assert rows.filter(pl.col("never").is_null()).collect().height == 6


def test_a_file_outside_the_bounds_is_passed_over(uri: str) -> None:
    """Of three files only the one that may hold the value is read."""
    rows = DeltaTable(uri).to_pyarrow_dataset()
    assert len(list(rows.get_fragments(pc.field("text") == "text 0"))) == 1

"""What queries find in the lake: the same rows as are there, in either engine."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pytest

from api.sql.errors import SqlError, SqlNotAllowed
from api.sql.messages import Engine, Listing, Tables
from api.sql.pool import Pool
from flows.settings import Settings
from tests.flow_process import rows
from tests.lake_rows import lake_at
from tests.sql_parts import EVENTS, PROJECT, answer, ask, fill, limits, pool, told, values

ENGINES: tuple[Engine, ...] = get_args(Engine)
TOPIC = PROJECT.topic


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return fill(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="module", params=["local", "elsewhere"])
def queries(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Pool]:
    """A lake read by DuckDB and Polars themselves, and one read by way of Arrow."""
    lake = settings.lake_uri if request.param == "local" else f"file://{settings.lake_uri}"
    with pool(limits(settings, lake=lake)) as made:
        yield made


@pytest.fixture(scope="module")
def events(settings: Settings) -> pl.DataFrame:
    return rows(settings, TOPIC)


def test_every_view_is_listed_with_columns_and_versions(queries: Pool) -> None:
    listing = queries.ask(Tables())
    assert isinstance(listing, Listing)
    found = {table.name: table for table in listing.tables}
    names = ["fraud", "fraud_events", "fraud_predictions", "fraud_outcomes", "fraud_labels"]
    assert list(found) == names
    columns = {column.name: column.type for column in found["fraud"].columns}
    assert columns["amount"] == "DOUBLE"
    assert columns["timestamp"] == "TIMESTAMP WITH TIME ZONE"
    assert columns["location"].startswith("STRUCT")
    assert columns["is_fraud"] == "BIGINT"
    assert columns["date"] == "DATE"
    assert [table.name for table in found["fraud"].tables] == [TOPIC, f"{TOPIC}_outcomes"]
    assert [table.version for table in found["fraud"].tables] == [2, 2]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_event_is_there_once(queries: Pool, engine: Engine, events: pl.DataFrame) -> None:
    for view in ("fraud", "fraud_events"):
        found = values(queries, f"SELECT transaction_id, amount FROM {view}", engine)
        expected = events.select("transaction_id", "amount").rows()
        assert sorted(map(tuple, found)) == sorted(expected)


@pytest.mark.parametrize("engine", ENGINES)
def test_labels_are_as_known_now(queries: Pool, engine: Engine, events: pl.DataFrame) -> None:
    text = "SELECT kafka_offset, is_fraud, label_status FROM fraud ORDER BY kafka_offset"
    carried = events["is_fraud"].to_list()[:20]
    expected = [
        *([number, label, "carried"] for number, label in enumerate(carried)),
        *([number, told(number), "matched"] for number in range(20, 40)),
        *([number, None, None] for number in range(40, EVENTS)),
    ]
    assert values(queries, text, engine) == expected


@pytest.mark.parametrize("engine", ENGINES)
def test_errors_are_beside_predictions_whenever_the_label_came(
    queries: Pool, engine: Engine, settings: Settings
) -> None:
    outcomes = rows(settings, f"{TOPIC}_outcomes").filter(pl.col("status") == "matched")
    errors = dict(outcomes.select("event_id", "error").iter_rows())
    text = "SELECT transaction_id, prediction_error FROM fraud ORDER BY kafka_offset"
    found = values(queries, text, engine)
    assert [row[1] for row in found] == [errors.get(row[0]) for row in found]
    assert None not in [row[1] for row in found[20:40]]
    text = "SELECT prediction_error FROM fraud_events WHERE prediction_error IS NOT NULL"
    assert 0 < len(values(queries, text, engine)) <= 20


@pytest.mark.parametrize("engine", ENGINES)
def test_events_are_as_they_came(queries: Pool, engine: Engine) -> None:
    text = "SELECT count(*) AS all_of_them, count(is_fraud) AS labelled FROM fraud_events"
    assert values(queries, text, engine) == [[EVENTS, 20]]


@pytest.mark.parametrize("engine", ENGINES)
def test_predictions_labels_and_outcomes(
    queries: Pool, engine: Engine, settings: Settings, events: pl.DataFrame
) -> None:
    made = events.filter(pl.col("prediction_probability").is_not_null()).height
    assert 0 < made < EVENTS
    outcomes = rows(settings, f"{TOPIC}_outcomes").height
    for view, count in (("predictions", made), ("labels", 40), ("outcomes", outcomes)):
        assert values(queries, f"SELECT count(*) AS n FROM fraud_{view}", engine) == [[count]]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_newest_come_first_and_more_is_told(queries: Pool, engine: Engine) -> None:
    text = "SELECT kafka_offset FROM fraud_events ORDER BY kafka_offset DESC"
    found = answer(queries, text, engine, limit=5)
    newest = [[number] for number in range(EVENTS - 1, EVENTS - 6, -1)]
    assert (found.rows, found.row_count, found.truncated) == (newest, 5, True)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("limit", "truncated"), [(EVENTS - 1, True), (EVENTS, False)])
def test_exactly_all_rows_are_not_truncated(
    queries: Pool, engine: Engine, limit: int, truncated: bool
) -> None:
    found = answer(queries, "SELECT * FROM fraud", engine, limit)
    assert (found.row_count, found.truncated) == (limit, truncated)


@pytest.mark.parametrize("engine", ENGINES)
def test_answers_name_the_versions_they_read(queries: Pool, engine: Engine) -> None:
    found = answer(queries, "SELECT 1 AS one FROM fraud_labels", engine)
    assert [(table.name, table.version) for table in found.tables] == [(f"{TOPIC}_outcomes", 2)]
    assert answer(queries, "SELECT 1 AS one", engine).tables == []


@pytest.mark.parametrize("engine", ENGINES)
def test_nested_columns_and_times_are_told_as_json(queries: Pool, engine: Engine) -> None:
    text = "SELECT timestamp, location, date, amount FROM fraud LIMIT 1"
    ((time, location, day, amount),) = values(queries, text, engine)
    assert datetime.fromisoformat(time).utcoffset() is not None
    assert set(location) == {"lat", "lon"}
    assert time.startswith(day)
    assert isinstance(amount, float)


def test_numbers_that_json_lacks_are_null_and_sums_are_numbers(queries: Pool) -> None:
    text = "SELECT 'nan'::DOUBLE, 'inf'::DOUBLE, sum(kafka_offset), 1.50::DECIMAL(9,2), 2::HUGEINT"
    ((nan, infinite, total, decimal, huge),) = values(queries, f"{text} FROM fraud")
    assert (nan, infinite) == (None, None)
    assert (total, decimal, huge) == (EVENTS * (EVENTS - 1) // 2, 1.5, 2)


@pytest.mark.parametrize(
    "value",
    [
        "DATE '290000-01-01'",
        "'infinity'::TIMESTAMP",
        "INTERVAL 3 MONTH",
        "'a'::BLOB",
        "uuid()",
        "MAP {1: [2, NULL]}",
        "170141183460469231731687303715884105727",
        "TIME '12:00:00'",
        "'\\xAA'::BLOB",
        "'101'::BIT",
        "[{'a': 1}]",
        "NULL",
    ],
)
def test_values_of_any_type_are_told(queries: Pool, value: str) -> None:
    (column,) = answer(queries, f"SELECT {value} AS it").columns
    assert column.name == "it"
    for form in ("csv", "arrow"):
        assert ask(queries, f"SELECT {value} AS it", form=form).body


def test_columns_may_share_a_name(queries: Pool) -> None:
    found = answer(queries, "SELECT 1 AS a, 2 AS a")
    assert len(found.columns) == 2
    assert found.rows == [[1, 2]]


def test_csv_has_a_header_and_quotes(queries: Pool) -> None:
    body = ask(queries, "SELECT 'a,\"b' AS x, NULL AS y, [1, 2] AS z", form="csv").body
    assert body == b'x,y,z\r\n"a,""b",,"[1,2]"\r\n'


@pytest.mark.parametrize("engine", ENGINES)
def test_arrow_keeps_types(queries: Pool, engine: Engine, events: pl.DataFrame) -> None:
    text = "SELECT timestamp, amount, location FROM fraud ORDER BY kafka_offset"
    body = ask(queries, text, engine, limit=3, form="arrow").body
    found = pyarrow.ipc.open_stream(io.BytesIO(body)).read_all()
    assert found.schema.field("timestamp").type == pa.timestamp("us", tz="UTC")
    assert found["amount"].to_pylist() == events["amount"].to_list()[:3]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_mistake_is_explained(queries: Pool, engine: Engine) -> None:
    with pytest.raises(SqlError, match="nope"):
        ask(queries, "SELECT nope FROM fraud", engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_explaining_tells_no_place_of_the_lake(
    queries: Pool, engine: Engine, settings: Settings
) -> None:
    found = values(queries, "EXPLAIN SELECT count(*) FROM fraud WHERE amount > 3", engine)
    assert found
    assert settings.lake_uri not in str(found)


def test_own_queries_of_the_project_run(queries: Pool) -> None:
    for query in PROJECT.queries:
        assert answer(queries, query.sql).columns


def test_without_events_the_views_are_empty(tmp_path: Path) -> None:
    settings = lake_at(tmp_path)
    with pool(limits(settings)) as queries:
        for _ in range(2):
            listing = queries.ask(Tables())
            assert isinstance(listing, Listing)
            assert listing.tables == []
        with pytest.raises(SqlError, match="the flow of fraud makes it"):
            ask(queries, "SELECT * FROM fraud")


def test_a_lake_that_is_made_later_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    with pool(limits(lake_at(folder))) as queries:
        with pytest.raises(SqlError):
            ask(queries, "SELECT * FROM fraud")
        fill(folder)
        assert values(queries, "SELECT count(*) FROM fraud") == [[EVENTS]]


def test_a_project_without_labels_has_events_and_predictions(settings: Settings) -> None:
    made = limits(settings)
    (views,) = made.views
    unlabelled: Any = {**{name: getattr(views, name) for name in views.__struct_fields__}}
    setup = limits(settings, views=[type(views)(**{**unlabelled, "label": None})])
    with pool(setup) as queries:
        for engine in ENGINES:
            assert values(queries, "SELECT count(*) AS n FROM fraud", engine) == [[EVENTS]]
            with pytest.raises(SqlNotAllowed):
                ask(queries, "SELECT * FROM fraud_labels", engine)


def test_elapsed_is_a_time(queries: Pool) -> None:
    assert 0 < answer(queries, "SELECT 1").elapsed_ms < math.inf

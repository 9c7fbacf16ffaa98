"""Queries that take too long or too much, or break their process, harm nobody else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import msgspec
import psutil
import pytest

from api.sql.errors import SqlBusy, SqlError, SqlTimeout, SqlTooLarge
from api.sql.messages import Engine, Setup
from api.sql.pool import GRACE, Pool
from tests.api_parts import until
from tests.lake_rows import lake_at
from tests.sql_parts import ask, in_time, limits, pool

ENGINES: tuple[Engine, ...] = get_args(Engine)
SECONDS = 1.0
ENDLESS = "WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM r) SELECT max(a) FROM r"
RUNAWAYS = [
    ENDLESS,
    "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b",
    "SELECT count(*) FROM range(100000000000) WHERE hash(range) = 1",
    "EXPLAIN ANALYZE SELECT count(*) FROM range(1000000) a, range(1000000) b",
]


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    return limits(lake_at(tmp_path_factory.mktemp("lake")), seconds=SECONDS, memory=100, room=900)


@pytest.fixture(scope="module")
def queries(setup: Setup) -> Iterator[Pool]:
    with pool(setup) as made:
        in_time(made, "SELECT 1")
        yield made


def process_of(queries: Pool) -> int:
    """The process that waits for the next query."""
    in_time(queries, "SELECT 1")
    (process,) = queries._idle
    return process._process.pid


@pytest.mark.parametrize("text", RUNAWAYS)
def test_a_runaway_is_stopped_and_the_next_query_is_not_harmed(queries: Pool, text: str) -> None:
    with pytest.raises(SqlTimeout, match="longer than 1 s"):
        ask(queries, text)
    assert in_time(queries, "SELECT 1") == [[1]]


def test_duckdb_is_interrupted_and_its_process_goes_on(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(GRACE, "duckdb", 10.0)
    with pool(msgspec.structs.replace(setup, seconds=4.0)) as queries:
        before = process_of(queries)
        with pytest.raises(SqlTimeout):
            ask(queries, RUNAWAYS[1])
        assert process_of(queries) == before


def test_polars_cannot_be_interrupted_so_its_process_is_ended(queries: Pool) -> None:
    before = process_of(queries)
    with pytest.raises(SqlTimeout):
        ask(queries, ENDLESS, "polars")
    assert process_of(queries) != before
    assert in_time(queries, "SELECT 1 AS one", "polars") == [[1]]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT list(range) FROM range(100000000)",
        "SELECT repeat('x', 2000000000)",
        "SELECT string_agg(repeat('x', 1000), '') FROM range(10000000)",
        "SELECT repeat('x', 1000000) FROM range(100)",
    ],
)
def test_a_query_that_grows_too_large_is_stopped(queries: Pool, text: str) -> None:
    with pytest.raises((SqlTooLarge, SqlTimeout, SqlError)):
        ask(queries, text)
    assert in_time(queries, "SELECT 1") == [[1]]


def test_a_process_that_grows_too_large_is_ended(setup: Setup) -> None:
    """Whatever the engine's own limit is."""
    with (
        pool(msgspec.structs.replace(setup, room=220, seconds=60.0)) as queries,
        pytest.raises(SqlTooLarge),
    ):
        ask(queries, RUNAWAYS[1])


@pytest.mark.parametrize("engine", ENGINES)
def test_a_broken_process_is_replaced(queries: Pool, engine: Engine) -> None:
    before = process_of(queries)
    psutil.Process(before).kill()
    until(lambda: not queries._idle[0].lives(), "its end")
    assert in_time(queries, "SELECT 1 AS one", engine) == [[1]]
    assert process_of(queries) != before


def test_a_process_that_breaks_in_the_midst_is_told_and_replaced(setup: Setup) -> None:
    with pool(msgspec.structs.replace(setup, seconds=60.0)) as queries:
        before = process_of(queries)
        threading.Timer(0.3, psutil.Process(before).kill).start()
        with pytest.raises(SqlTooLarge, match="broke the process"):
            ask(queries, RUNAWAYS[1])
        assert in_time(queries, "SELECT 1") == [[1]]


def test_who_finds_no_place_is_told_at_once(setup: Setup) -> None:
    with pool(msgspec.structs.replace(setup, seconds=3.0), size=1, waiting=1) as queries:
        in_time(queries, "SELECT 1")
        ends: list[type[Exception]] = []
        others = [threading.Thread(target=_run, args=(queries, ends)) for _ in range(2)]
        for other in others:
            other.start()
        until(lambda: queries.free == 0, "two queries")
        with pytest.raises(SqlBusy):
            ask(queries, "SELECT 1")
        for other in others:
            other.join()
        assert ends == [SqlTimeout, SqlTimeout]
        assert in_time(queries, "SELECT 1") == [[1]]


def _run(queries: Pool, ends: list[type[Exception]]) -> None:
    try:
        ask(queries, RUNAWAYS[1])
    except SqlError as error:
        ends.append(type(error))


def test_several_processes_work_at_once(setup: Setup) -> None:
    with pool(setup, size=2) as queries:
        ends: list[type[Exception]] = []
        other = threading.Thread(target=_run, args=(queries, ends))
        other.start()
        until(lambda: queries.free == 1, "a query")
        assert in_time(queries, "SELECT 2") == [[2]]
        other.join()
        assert ends == [SqlTimeout]
        assert len(queries._idle) == 2


def test_nothing_is_left_when_it_stops(setup: Setup) -> None:
    with pool(setup) as queries:
        worker = psutil.Process(process_of(queries))
        known = worker.environ()
        folder = Path(known["TMPDIR"])
        assert folder.is_dir()
        assert not [name for name in known if name.startswith(("REALTIME", "AWS", "HOME"))]
    assert not worker.is_running()
    assert not folder.exists()


def test_queries_in_a_row_before_there_is_a_lake_are_all_answered(
    setup: Setup, tmp_path: Path
) -> None:
    """A process that could not open a lake is asked once: only a new one can open it later."""
    lake = tmp_path / "lake"
    with pool(msgspec.structs.replace(setup, lake=str(lake))) as queries:
        assert [in_time(queries, "SELECT 1") for _ in range(4)] == [[[1]]] * 4
        assert queries._idle == []
        lake.mkdir()
        before = process_of(queries)
        assert process_of(queries) == before

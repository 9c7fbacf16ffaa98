"""Texts that try to get out, on both engines: none does, and the next query is unaffected."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import get_args

import pytest

from api.sql.errors import SqlError
from api.sql.messages import Engine
from api.sql.pool import Pool
from tests.lake_rows import lake_at
from tests.sql_parts import EVENTS, ask, fill, in_time, limits, pool

ENGINES: tuple[Engine, ...] = get_args(Engine)
SECRET = "the secret that nobody may read"  # noqa: S105

FILES = [
    "SELECT * FROM read_csv('{file}')",
    "SELECT * FROM read_csv_auto('{file}')",
    "SELECT * FROM read_text('{file}')",
    "SELECT * FROM read_blob('{file}')",
    "SELECT * FROM read_json('{file}')",
    "SELECT * FROM read_json_auto('{file}')",
    "SELECT * FROM read_ndjson_objects('{file}')",
    "SELECT * FROM read_parquet('{file}')",
    "SELECT * FROM read_ipc('{file}')",
    "SELECT * FROM scan_csv('{file}')",
    "SELECT * FROM parquet_scan('{file}')",
    "SELECT * FROM parquet_metadata('{file}')",
    "SELECT * FROM sniff_csv('{file}')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM '{file}'",
    'SELECT * FROM "{file}"',
    "FROM '{file}'",
    "SELECT * FROM READ_CSV/**/('{file}')",
    "SELECT * FROM \"read_csv\"('{file}')",
    "SELECT * FROM main.read_csv('{file}')",
    "SELECT * FROM system.main.read_text('{file}')",
    "SELECT (SELECT content FROM read_text('{file}'))",
    "WITH a AS (SELECT * FROM read_text('{file}')) SELECT * FROM a",
    'WITH "{file}" AS (SELECT 1) SELECT * FROM "{file}"',
    'WITH a AS (WITH "{file}" AS (SELECT 1) SELECT 1) SELECT * FROM "{file}"',
    "SELECT * FROM fraud WHERE amount IN (SELECT a FROM read_csv('{file}') t(a))",
    "SELECT * FROM fraud, LATERAL (SELECT * FROM read_text('{file}'))",
    "SELECT * FROM query('FROM read_text(''{file}'')')",
    "SELECT * FROM query_table('{file}')",
    "DESCRIBE SELECT * FROM read_csv('{file}')",
    "SUMMARIZE FROM read_csv('{file}')",
    "EXPLAIN ANALYZE SELECT * FROM read_csv('{file}')",
    "SELECT * FROM read_text('{folder}/lake/../secret.csv')",
    "SELECT * FROM read_text('file://{file}')",
    "SELECT '\\' , * FROM read_csv('{file}') --'",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''{file}'')'))",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('.env')",
]
PROCESS = [
    "SELECT * FROM read_text('/proc/self/environ')",
    "SELECT * FROM read_text('/proc/self/cmdline')",
    "SELECT getenv('REALTIME_SIGNING_KEY')",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_settings",
    "SELECT * FROM duckdb_views",
    "SELECT * FROM duckdb_extensions()",
    "SELECT * FROM duckdb_temporary_files()",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM pg_catalog.pg_views",
    "SELECT * FROM pg_settings",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM pragma_database_list",
    "SELECT * FROM pragma_user_agent()",
    "SELECT current_setting('allowed_paths')",
    "SELECT current_setting('temp_directory')",
    "SELECT * FROM which_secret('s3://a', 's3')",
    "SELECT * FROM test_all_types()",
    "PRAGMA database_list",
    "SHOW ALL TABLES",
    "SHOW TABLES",
]
CHANGES = [
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET VARIABLE a = 1",
    "SET allowed_paths = ['/']",
    "RESET enable_external_access",
    "INSTALL httpfs",
    "LOAD httpfs",
    "FORCE INSTALL spatial FROM 'http://localhost:1'",
    "ATTACH '{folder}/other.db'",
    "ATTACH ':memory:' AS other",
    "USE system",
    "CREATE TABLE a AS SELECT 1",
    "CREATE MACRO a(x) AS x",
    "CREATE SECRET a (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "CREATE OR REPLACE VIEW fraud AS SELECT 1",
    "DROP VIEW fraud",
    "DROP TABLE fraud",
    "TRUNCATE fraud",
    "DELETE FROM fraud",
    "UPDATE fraud SET amount = 0",
    "INSERT INTO fraud SELECT * FROM fraud",
    "WITH a AS (DELETE FROM fraud RETURNING *) SELECT * FROM a",
    "COPY (SELECT 1) TO '{folder}/written.csv'",
    "COPY fraud TO '{data}' (FORMAT parquet)",
    "WITH a AS (COPY (SELECT 1) TO '{folder}/written.csv') SELECT 1",
    "WITH a AS (COPY (SELECT 1 AS a) TO '{data}' (FORMAT parquet)) SELECT 1",
    "EXPLAIN ANALYZE WITH a AS (COPY (SELECT 1) TO '{data}') SELECT 1",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{folder}/written.csv'",
    "EXPORT DATABASE '{folder}/written'",
    "IMPORT DATABASE '{folder}'",
    "CALL pragma_version()",
    "CHECKPOINT",
    "VACUUM",
    "BEGIN TRANSACTION",
    "PREPARE a AS SELECT 1",
    "EXECUTE a",
    "SELECT 1; COPY (SELECT 1) TO '{folder}/written.csv'",
    "SELECT 1; DROP VIEW fraud; SELECT 1",
    "SELECT * FROM read_parquet('http://127.0.0.1:1/a.parquet')",
    "SELECT * FROM 's3://bucket/a.parquet'",
]
BOMBS = [
    "WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM r) SELECT max(a) FROM r",
    "SELECT count(*) FROM fraud a, fraud b, fraud c, fraud d, fraud e, fraud f, fraud g",
    "SELECT list(range) FROM range(1000000000)",
    "SELECT repeat('x', 4000000000)",
    "SELECT " + "(" * 3000 + "1" + ")" * 3000,
    "SELECT " + "+".join(["1"] * 5000),
    "SELECT * FROM " + "(SELECT * FROM " * 500 + "fraud" + ")" * 500,
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attacked")
    (folder / "secret.csv").write_text(f"a\n{SECRET}\n")
    fill(folder / "lake")
    return folder


@pytest.fixture(scope="module")
def queries(folder: Path) -> Iterator[Pool]:
    with pool(limits(lake_at(folder / "lake"), seconds=1.0, memory=100, room=900)) as made:
        yield made


def contents(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def aimed(text: str, folder: Path) -> str:
    """An attack with the places of this test in it; `data` is a file that queries may read."""
    data = next((folder / "lake").rglob("*.parquet")).relative_to(folder / "lake")
    places = {"file": folder / "secret.csv", "folder": folder, "data": data}
    for name, place in places.items():
        text = text.replace(f"{{{name}}}", str(place))
    return text


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("text", [*FILES, *PROCESS, *CHANGES])
def test_an_attack_is_refused(queries: Pool, folder: Path, engine: Engine, text: str) -> None:
    before = contents(folder)
    with pytest.raises(SqlError) as caught:
        ask(queries, aimed(text, folder), engine)
    assert SECRET not in str(caught.value)
    assert contents(folder) == before


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("text", BOMBS, ids=range(len(BOMBS)))
def test_a_bomb_harms_nobody(queries: Pool, engine: Engine, text: str) -> None:
    """It is stopped, or small enough to be answered."""
    with suppress(SqlError):
        ask(queries, text, engine)
    assert in_time(queries, "SELECT count(*) AS n FROM fraud", engine) == [[EVENTS]]


@pytest.mark.parametrize("engine", ENGINES)
def test_after_all_that_queries_run_as_before(queries: Pool, engine: Engine) -> None:
    assert in_time(queries, "SELECT count(*) AS n FROM fraud", engine) == [[EVENTS]]


def test_a_corpus_of_sixty_or_more() -> None:
    assert len({*FILES, *PROCESS, *CHANGES, *BOMBS}) >= 60

"""SQL over HTTP: formats, limits, and problems that say what is wrong."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pyarrow.ipc
import pytest
from starlette.testclient import TestClient

from api.app import create_app
from tests.api_parts import local
from tests.sql_parts import EVENTS, PROJECT, fill


@pytest.fixture(scope="module")
def client(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    lake = fill(tmp_path_factory.mktemp("lake")).lake_uri
    settings = local(redis_url, lake_uri=lake, sql_seconds=2.0, sql_rows=1_000)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def post(client: TestClient, query: str, accept: str = "*/*", **more: Any) -> httpx2.Response:
    answer = client.post("/sql", json={"query": query, **more}, headers={"Accept": accept})
    assert isinstance(answer, httpx2.Response)
    return answer


def test_rows_come_as_json(client: TestClient) -> None:
    answer = post(client, "SELECT count(*) AS events FROM fraud")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert told["columns"] == [{"name": "events", "type": "BIGINT"}]
    assert told["rows"] == [[EVENTS]]
    assert (told["row_count"], told["truncated"], told["engine"]) == (1, False, "duckdb")
    assert told["tables"][0]["name"] == PROJECT.topic


def test_the_engine_can_be_chosen(client: TestClient) -> None:
    told = post(client, "SELECT count(*) AS events FROM fraud", engine="polars").json()
    assert (told["rows"], told["engine"]) == ([[EVENTS]], "polars")


def test_a_hundred_rows_unless_said_otherwise(client: TestClient) -> None:
    assert post(client, "SELECT * FROM range(1000)").json()["row_count"] == 100
    told = post(client, "SELECT * FROM range(1000)", limit=7).json()
    assert (told["row_count"], told["truncated"]) == (7, True)


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        ("", "application/json"),
        ("application/*", "application/json"),
        ("text/html, */*;q=0.8", "application/json"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/csv;q=0.9, application/json", "text/csv; charset=utf-8"),
        ("application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.stream"),
    ],
)
def test_accept_chooses_the_format(client: TestClient, accept: str, given: str) -> None:
    answer = post(client, "SELECT 1 AS a", accept)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == given


def test_other_formats_tell_the_rest_in_headers(client: TestClient) -> None:
    answer = post(client, "SELECT amount FROM fraud", "text/csv", limit=3)
    assert answer.text.splitlines()[0] == "amount"
    assert len(answer.text.splitlines()) == 4
    assert answer.headers["x-truncated"] == "true"
    assert answer.headers["x-row-count"] == "3"
    assert f"{PROJECT.topic}=" in answer.headers["x-table-versions"]
    stream = post(client, "SELECT amount FROM fraud", "application/vnd.apache.arrow.stream")
    assert pyarrow.ipc.open_stream(io.BytesIO(stream.content)).read_all().num_rows == EVENTS


def test_a_format_that_cannot_be_given_is_406(client: TestClient) -> None:
    assert post(client, "SELECT 1", "image/png").status_code == 406


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        ("SELEC 1", 422, "sql-error"),
        ("SELECT nope FROM fraud", 422, "sql-error"),
        ("DROP VIEW fraud", 403, "sql-not-allowed"),
        ("SELECT * FROM read_text('/etc/passwd')", 403, "sql-not-allowed"),
        ("SELECT * FROM sales", 422, "sql-error"),
        ("SELECT count(*) FROM range(100000000000) WHERE hash(range) = 1", 422, "sql-timeout"),
    ],
)
def test_what_cannot_run_is_a_problem(
    client: TestClient, query: str, status: int, kind: str
) -> None:
    answer = post(client, query)
    assert answer.status_code == status
    assert answer.json()["type"] == f"urn:realtime:problem:{kind}"
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({}, "query"),
        ({"query": ""}, "query"),
        ({"query": "SELECT 1", "engine": "sqlite"}, "engine"),
        ({"query": "SELECT 1", "limit": 0}, "limit"),
        ({"query": "SELECT 1", "limit": 1001}, "limit"),
    ],
)
def test_a_wrong_body_names_its_field(
    client: TestClient, body: dict[str, Any], location: str
) -> None:
    answer = client.post("/sql", json=body)
    assert answer.status_code == 422
    assert [error["location"] for error in answer.json()["errors"]] == [location]


def test_tables_are_listed(client: TestClient) -> None:
    tables = client.get("/sql/tables").json()["tables"]
    assert "fraud" in [table["name"] for table in tables]
    assert all(table["columns"] and table["summary"] and table["tables"] for table in tables)


def test_queries_of_a_project_run(client: TestClient) -> None:
    queries = client.get("/projects/fraud/queries").json()["queries"]
    assert [query["title"] for query in queries] == [query.title for query in PROJECT.queries]
    assert post(client, queries[0]["sql"]).json()["row_count"] == EVENTS


def test_a_lake_out_of_reach_is_said(redis_url: str, tmp_path: Path) -> None:
    table = tmp_path / PROJECT.topic / "_delta_log"
    table.mkdir(parents=True)
    (table / "00000000000000000000.json").write_text("no commit")
    project = replace(PROJECT, slug="broken")
    app = create_app(local(redis_url, lake_uri=str(tmp_path)), {"broken": project})
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = post(client, "SELECT * FROM broken")
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:realtime:problem:store-unavailable"
        assert client.get("/livez").status_code == 200


def test_the_api_itself_loads_no_engine() -> None:
    engines = "{'duckdb', 'polars', 'deltalake'}"
    code = f"import sys, api.app; sys.exit(bool({engines} & set(sys.modules)))"
    root = Path(__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_queries_are_counted_by_how_they_ended(client: TestClient) -> None:
    def count(engine: str, end: str) -> float:
        name = f'realtime_sql_queries_total{{end="{end}",engine="{engine}"}} '
        lines = client.get("/metrics").text.splitlines()
        return float(next(line for line in lines if line.startswith(name)).removeprefix(name))

    asked = {
        "done": "SELECT 1",
        "wrong": "SELECT nothing FROM fraud",
        "not allowed": "DROP TABLE fraud",
    }
    for end, query in asked.items():
        before = count("duckdb", end)
        post(client, query)
        assert count("duckdb", end) == before + 1
    assert count("polars", "not allowed") == 0

"""Profiles and charts over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.keys import needed
from tests.api_parts import local
from tests.sql_parts import EVENTS, PROJECT, fill


@pytest.fixture(scope="module")
def client(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    lake = fill(tmp_path_factory.mktemp("lake")).lake_uri
    settings = local(redis_url, lake_uri=lake)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def get(client: TestClient, query: str = "", accept: str = "*/*") -> httpx2.Response:
    answer = client.get(f"/projects/fraud/profile{query}", headers={"Accept": accept})
    assert isinstance(answer, httpx2.Response)
    return answer


def columns(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {column["name"]: column for column in told["columns"]}


def test_profile_tells_of_every_row_with_its_label(client: TestClient) -> None:
    told = get(client).json()
    assert (told["table"], told["rows"], told["of_rows"]) == ("fraud", EVENTS, EVENTS)
    found = columns(told)
    assert found["is_fraud"]["nulls"] == 20
    assert {one["value"] for one in found["label_status"]["top"]} == {"carried", "matched"}
    assert found["transaction_id"]["distinct"] == EVENTS
    assert found["device_info.os"]["role"] == "event"
    assert {one["name"] for one in told["tables"]} == {PROJECT.topic, f"{PROJECT.topic}_outcomes"}


def test_project_says_what_is_expected(client: TestClient) -> None:
    found = columns(get(client).json())
    assert found["amount"]["unit"] == "currency units"
    assert found["amount"]["quality"] > 90
    assert found["kafka_offset"]["quality"] is None


@pytest.mark.parametrize(
    ("table", "rows", "column"),
    [
        ("events", EVENTS, "amount"),
        ("predictions", None, "prediction_probability"),
        ("outcomes", None, "delay_seconds"),
        ("labels", 40, "label"),
    ],
)
def test_other_tables_have_profiles(
    client: TestClient, table: str, rows: int | None, column: str
) -> None:
    told = get(client, f"?table={table}").json()
    assert told["table"] == f"fraud_{table}"
    assert column in columns(told)
    assert rows is None or told["rows"] == rows


def test_rows_and_since_choose(client: TestClient) -> None:
    told = get(client, "?rows=7").json()
    assert (told["rows"], told["of_rows"]) == (7, EVENTS)
    since = told["first"].replace("+", "%2B")
    assert get(client, f"?since={since}").json()["rows"] == 7
    assert get(client, "?since=2100-01-01T00:00:00").json()["rows"] == 0


def test_accept_chooses_a_file_to_keep(client: TestClient) -> None:
    answer = get(client, accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["vary"] == "Accept"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert 'filename="fraud-profile.html"' in answer.headers["content-disposition"]
    assert f"<h1>{PROJECT.title}: fraud</h1>" in answer.text
    assert f"{PROJECT.topic} at version" in answer.text


@pytest.mark.parametrize(("accept", "kind"), [("", "json"), ("text/*", "html"), ("*/*", "json")])
def test_loose_accept_has_a_type(client: TestClient, accept: str, kind: str) -> None:
    assert kind in get(client, "?rows=1", accept).headers["content-type"]


@pytest.mark.parametrize(
    ("query", "accept", "status"),
    [
        ("?rows=0", "*/*", 422),
        ("?rows=2000001", "*/*", 422),
        ("?since=yesterday", "*/*", 422),
        ("?since=0001-01-01T00:00:00%2B14:00", "*/*", 422),
        ("?table=accounts", "*/*", 422),
        ("", "image/png", 406),
    ],
)
def test_what_cannot_be_asked_is_a_problem(
    client: TestClient, query: str, accept: str, status: int
) -> None:
    answer = get(client, query, accept)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_project_without_rows_says_so(client: TestClient) -> None:
    answer = client.get("/projects/sales/profile")
    assert answer.status_code == 422
    assert "no table 'sales' yet" in answer.json()["detail"]
    assert client.get("/projects/nobody/profile").status_code == 404


def test_limits_are_those_of_queries(redis_url: str, tmp_path: Path) -> None:
    lake = fill(tmp_path).lake_uri
    settings = local(redis_url, lake_uri=lake, analytics_seconds=0.001)
    with TestClient(create_app(settings), raise_server_exceptions=False) as hurried:
        answer = get(hurried)
    assert answer.status_code == 422
    assert answer.json()["type"].endswith(("sql-timeout", "sql-too-large"))


def draw(client: TestClient, query: str, accept: str = "*/*") -> httpx2.Response:
    answer = client.get(f"/projects/fraud/chart?{query}", headers={"Accept": accept})
    assert isinstance(answer, httpx2.Response)
    return answer


def test_chart_tells_its_figures(client: TestClient) -> None:
    told = draw(client, "kind=bar&x=label_status&y=amount&how=mean&facet=").json()
    assert (told["rows"], told["value_name"], told["left_out"]) == (EVENTS, "mean of amount", 0)
    assert sorted(told["x"]["values"]) == ["carried", "matched", "missing"]
    assert told["data"]["rows"] == [20, 20, 20]
    assert {one["name"] for one in told["tables"]} == {PROJECT.topic, f"{PROJECT.topic}_outcomes"}


def test_fields_have_units_and_other_tables_charts(client: TestClient) -> None:
    told = draw(client, "kind=histogram&x=amount&table=events&rows=30").json()
    assert (told["x"]["unit"], told["rows"]) == ("currency units", 30)
    assert draw(client, "kind=pie&x=status&table=outcomes").json()["x"]["values"] == ["matched"]


@pytest.mark.parametrize(
    ("accept", "given", "begins"),
    [
        ("image/png", "image/png", b"\x89PNG"),
        ("image/avif,image/svg+xml,image/*;q=0.8,*/*;q=0.5", "image/svg+xml", b"<?xml"),
        ("image/*", "image/png", b"\x89PNG"),
    ],
)
def test_accept_chooses_a_picture(
    client: TestClient, accept: str, given: str, begins: bytes
) -> None:
    answer = draw(client, "kind=pie&x=label_status", accept)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(given)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.content.startswith(begins)


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("kind=bar", 422, "x"),
        ("kind=sculpture&x=amount", 422, "kind"),
        ("kind=bar&x=nothing", 422, "no column 'nothing'"),
        ("kind=scatter&x=amount", 422, "needs a column for y"),
        ("kind=bar&x=amount&how=guess", 422, "how"),
    ],
)
def test_a_chart_that_cannot_be_is_a_problem(
    client: TestClient, query: str, status: int, said: str
) -> None:
    answer = draw(client, query, "image/png")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]


def test_reading_is_enough() -> None:
    assert needed("GET", "/projects/fraud/profile") == "read"

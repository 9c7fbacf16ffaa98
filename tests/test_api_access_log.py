"""Every request leaves a line; every answer carries its id and what browsers heed."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from tests.api_parts import local, until
from tests.test_api_keys import key

ORIGIN = "https://page.example"


@pytest.fixture(scope="module")
def client(redis_url: str) -> Iterator[TestClient]:
    settings = local(redis_url, api_cors_origins=[ORIGIN], api_keys=[key("somebody", "read")])
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        client.headers["X-API-Key"] = "somebody"
        yield client


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """What has been logged, a record of several lines at a time."""
    records = [each.message for each in caplog.records if each.name == "api.access"]
    return [json.loads(line) for record in records for line in record.splitlines()]


def test_a_request_leaves_a_line(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "api.access"):
        answer = client.get("/projects/fraud?shard=0")
        client.get("/projects", headers={"X-API-Key": "nobody"})
        client.get("/livez")
        until(lambda: len(lines(caplog)) == 2, "both lines")
    first, second = lines(caplog)
    assert first["path"] == "/projects/{project}"
    assert (first["method"], first["status"], first["level"]) == ("GET", 200, "INFO")
    assert (first["key"], second["key"], second["status"]) == ("somebody", None, 401)
    assert first["request_id"] == answer.headers["x-request-id"]
    assert first["ms"] >= 0
    assert first["time"].endswith("+00:00")


def test_no_line_is_lost_when_it_ends(redis_url: str, caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.INFO, "api.access"),
        TestClient(create_app(local(redis_url))) as it,
    ):
        for _ in range(20):
            it.get("/projects")
    assert len(lines(caplog)) == 20


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-1.2_3", True), ("a" * 65, False), ('"}{', False), ("", False), ("a b", False)],
)
def test_a_harmless_request_id_is_echoed(client: TestClient, given: str, kept: bool) -> None:
    answer = client.get("/projects", headers={"X-Request-ID": given})
    assert (answer.headers["x-request-id"] == given) is kept
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/projects", "/nowhere", "/livez", "/openapi.json"])
def test_answers_carry_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["content-security-policy"].startswith("default-src 'none'")


def test_the_page_of_documentation_may_have_its_style(client: TestClient) -> None:
    policy = client.get("/docs").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_named_origins_may_ask_from_pages(client: TestClient) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    answer = client.options("/projects/fraud/predict", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-credentials"] == "true"


def test_other_origins_may_not(client: TestClient) -> None:
    answer = client.get("/projects", headers={"Origin": "https://other.example"})
    assert "access-control-allow-origin" not in answer.headers


def test_every_origin_never_comes_with_credentials(redis_url: str) -> None:
    with TestClient(create_app(local(redis_url, api_cors_origins=["*"]))) as client:
        headers = client.get("/projects", headers={"Origin": ORIGIN}).headers
    assert headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in headers


def test_without_a_setting_no_origin_may(redis_url: str) -> None:
    with TestClient(create_app(local(redis_url))) as client:
        headers = client.get("/projects", headers={"Origin": ORIGIN}).headers
    assert "access-control-allow-origin" not in headers

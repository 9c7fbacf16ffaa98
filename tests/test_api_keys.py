"""Keys open what their scopes name and nothing else; without keys all is open, but not in prod."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.keys import OPEN, Keys, needed
from flows.errors import SettingsError
from flows.settings import ApiKey, KeyScope
from scripts import api_key
from tests.api_parts import local

SCOPES: tuple[KeyScope, ...] = ("read", "write", "admin")
LABEL = {"event_id": "a", "label": 1}
REQUESTS: list[tuple[str, str, Any, KeyScope]] = [
    ("GET", "/projects", None, "read"),
    ("GET", "/projects/fraud/training", None, "read"),
    ("GET", "/sql/tables", None, "read"),
    ("POST", "/projects/fraud/predict", {}, "read"),
    ("POST", "/sql", {"query": "DROP TABLE a"}, "read"),
    ("POST", "/projects/fraud/labels", {}, "write"),
    ("POST", "/projects/fraud/batch/jobs", {"kind": "none"}, "write"),
    ("POST", "/projects/fraud/batch/jobs/x/cancel", {}, "write"),
    ("POST", "/projects/fraud/batch/jobs/x/again", {}, "write"),
    ("GET", "/projects/fraud/batch/jobs", None, "read"),
    ("PUT", "/projects/fraud/training", {}, "admin"),
    ("POST", "/projects/fraud/rollback", {}, "admin"),
    ("DELETE", "/projects/fraud", None, "admin"),
    ("POST", "/nowhere", {}, "admin"),
]


def key(name: str, *scopes: KeyScope) -> ApiKey:
    """A key that is its own name."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    return ApiKey(name=name, hash=digest, scopes=frozenset(scopes))


@pytest.fixture(scope="module")
def client(redis_url: str) -> Iterator[TestClient]:
    keys = [key(scope, scope) for scope in SCOPES]
    settings = local(redis_url, api_keys=keys)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def ask(
    client: TestClient, method: str, path: str, body: Any = None, **headers: str
) -> httpx2.Response:
    answer = client.request(method, path, json=body, headers=headers)
    assert isinstance(answer, httpx2.Response)
    return answer


@pytest.mark.parametrize(("method", "path", "body", "scope"), REQUESTS)
def test_a_request_needs_its_scope(
    client: TestClient, method: str, path: str, body: Any, scope: KeyScope
) -> None:
    for name in SCOPES:
        answer = ask(client, method, path, body, **{"X-API-Key": name})
        if name == scope:
            assert answer.status_code not in (401, 403) or "sql" in answer.json()["type"]
        else:
            assert answer.status_code == 403
            assert scope in answer.json()["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "unknown"},
        {"Authorization": "Bearer unknown"},
        {"Authorization": "Basic read"},
        {"Authorization": "read"},
        {"X-API-Key": hashlib.sha256(b"read").hexdigest()},
    ],
)
def test_without_a_known_key_there_is_no_way_in(
    client: TestClient, headers: dict[str, str]
) -> None:
    answer = ask(client, "GET", "/projects", **headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_key_may_be_a_bearer_token(client: TestClient) -> None:
    assert ask(client, "GET", "/projects", Authorization="Bearer read").status_code == 200
    assert ask(client, "GET", "/projects", Authorization="bearer  read").status_code == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/docs", "/openapi.json"])
def test_probes_and_descriptions_are_open(client: TestClient, path: str) -> None:
    assert ask(client, "GET", path).status_code in (200, 503)


def test_measurements_can_be_closed(redis_url: str) -> None:
    settings = local(redis_url, api_keys=[key("read", "read")], api_metrics_open=False)
    with TestClient(create_app(settings)) as client:
        assert ask(client, "GET", "/metrics").status_code == 401
        assert ask(client, "GET", "/metrics", **{"X-API-Key": "read"}).status_code == 200


def test_every_operation_that_changes_something_needs_more_than_read(client: TestClient) -> None:
    """Whatever routes there will be: reading is named, the rest is not."""
    reading = re.compile(r"/predict$|/infer$|/index$|/sql$")
    for path, operations in client.app.openapi()["paths"].items():  # type: ignore[attr-defined]
        for method in operations:
            wanted = needed(method.upper(), path)
            assert (wanted == "read") == (method == "get" or bool(reading.search(path)))
            assert path not in OPEN or method == "get"


def test_all_keys_are_compared() -> None:
    keys = Keys([key("a", "read"), key("b", "write")])
    for name in ("a", "b"):
        found = keys.find({"x-api-key": name})
        assert found is not None
        assert found.name == name
    assert keys.find({"x-api-key": "c"}) is None


def test_without_keys_all_is_open_and_that_is_said(
    redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "api"):
        app = create_app(local(redis_url))
    assert "no API keys" in caplog.text
    with TestClient(app) as client:
        assert ask(client, "GET", "/projects").status_code == 200
        checks = {each["name"]: each for each in ask(client, "GET", "/readyz").json()["checks"]}
        assert checks["keys"]["status"] == "warning"


def test_production_refuses_to_start_without_keys(redis_url: str) -> None:
    given = local(redis_url).model_copy(update={"profile": "prod"})
    with pytest.raises(SettingsError, match="REALTIME_API_KEYS"):
        create_app(given)
    create_app(given.model_copy(update={"api_keys": [key("a", "read")]}))


def test_a_made_key_opens_the_api(redis_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert api_key.main(["somebody", "--scopes", "read,write"]) == 0
    told = dict(line.split(":", 1) for line in capsys.readouterr().out.splitlines())
    entry = json.loads(told["entry"])
    shown = told["key"].strip()
    assert shown not in told["entry"]
    made = ApiKey.model_validate(entry)
    assert (made.name, sorted(made.scopes)) == ("somebody", ["read", "write"])
    with TestClient(create_app(local(redis_url, api_keys=[made]))) as client:
        assert ask(client, "GET", "/projects", **{"X-API-Key": shown}).status_code == 200


def test_a_key_needs_known_scopes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        api_key.main(["somebody", "--scopes", "everything"])
    assert "read, write, admin" in capsys.readouterr().err

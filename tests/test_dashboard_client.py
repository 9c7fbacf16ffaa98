from __future__ import annotations

import asyncio
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest

from api.events import example
from dashboard.client import UNREACHABLE, Answer, Client, Failure
from flows.projects import fraud
from flows.settings import ApiKey
from scripts.local.ports import free_port
from tests.dashboard_parts import Api, settings_of
from tests.http_server import HttpServer


@pytest.fixture(scope="module")
def url(redis_url: str) -> Iterator[str]:
    api = Api(settings_of(redis_url), fraud.PROJECT)
    api.start()
    yield api.url
    api.stop()


def ask(url: str, path: str, body: dict[str, Any] | None = None, key: str = "") -> Answer:
    async def once() -> Answer:
        client = Client(url, key)
        answer = await (client.get(path) if body is None else client.post(path, body))
        await client.close()
        return answer

    return asyncio.run(once())


def fail(url: str, path: str, body: dict[str, Any] | None = None) -> Failure:
    answer = ask(url, path, body)
    assert isinstance(answer, Failure)
    return answer


def test_answer_is_the_json_object(url: str) -> None:
    answer = ask(url, "/projects")
    assert isinstance(answer, dict)
    assert [project["slug"] for project in answer["projects"]] == ["fraud"]


def test_a_guarded_api_answers_whoever_has_a_key(redis_url: str) -> None:
    known = ApiKey(name="page", hash=sha256(b"open sesame").hexdigest(), scopes=frozenset({"read"}))
    api = Api(settings_of(redis_url).model_copy(update={"api_keys": [known]}), fraud.PROJECT)
    api.start()
    try:
        assert fail(api.url, "/projects").status == 401
        assert isinstance(ask(api.url, "/projects", key="open sesame"), dict)
    finally:
        api.stop()


def test_unknown_project_is_a_failure_with_the_problems_words(url: str) -> None:
    failure = fail(url, "/projects/nobody")
    assert (failure.status, failure.title) == (404, "Unknown project")
    assert "'nobody'" in failure.detail
    assert not failure.is_outage


def test_invalid_event_names_the_field(url: str) -> None:
    event = example(fraud.PROJECT) | {"amount": -5}
    failure = fail(url, "/projects/fraud/predict", event)
    assert failure.status == 422
    assert list(failure.errors) == ["amount"]


def test_no_model_is_told_from_other_failures(url: str) -> None:
    failure = fail(url, "/projects/fraud/predict", example(fraud.PROJECT))
    assert failure.is_no_model
    assert "has no model yet" in failure.detail


def test_nobody_listening_is_an_outage() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    failure = fail(url, "/projects")
    assert failure.status == UNREACHABLE
    assert failure.is_outage
    assert url in failure.title


def test_gateway_without_an_api_is_an_outage() -> None:
    with HttpServer(lambda _path: (502, "<html>Bad Gateway</html>")) as server:
        failure = fail(server.url, "/projects")
    assert failure.is_outage
    assert failure.title == "The API answered 502"


@pytest.mark.parametrize("text", ["", "null", "[]", "not JSON"])
def test_success_without_an_object_is_a_failure(text: str) -> None:
    with HttpServer(lambda _path: (200, text)) as server:
        failure = fail(server.url, "/projects")
    assert (failure.status, failure.is_outage) == (200, False)

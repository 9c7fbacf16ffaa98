from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.problems import MEDIA_TYPE
from flows.errors import SettingsError
from flows.projects import fraud
from tests.api_parts import Served, learner_of, local, serving

Unique = Callable[[str], str]
INSIDE = "what only the log may know"


def broken_features(event: Any) -> dict[str, Any]:
    if event.amount > 1e6:
        raise (SettingsError if event.amount > 1e7 else RuntimeError)(INSIDE)
    return {"amount": event.amount}


@pytest.fixture(scope="module")
def served(redis_url: str, unique: Unique) -> Iterator[Served]:
    project = replace(fraud.PROJECT, features=broken_features, model=fraud.PROJECT.model)
    with serving(local(redis_url), unique("fraud"), project) as served:
        served.publish(learner_of(fraud.PROJECT, 20))
        yield served


@pytest.fixture(scope="module")
def client(served: Served) -> TestClient:
    return served.client


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/projects/weather", 404),
        ("DELETE", "/projects", 405),
        ("POST", "/livez", 405),
    ],
)
def test_problem_has_every_member(client: TestClient, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == MEDIA_TYPE
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail", "instance"}
    assert (problem["status"], problem["instance"]) == (status, path)


def test_problem_of_a_wrong_method_names_the_right_one(client: TestClient) -> None:
    assert client.delete("/projects").headers["allow"] == "GET"


def test_problem_of_ours_has_a_type_of_its_own(client: TestClient) -> None:
    assert client.get("/projects/weather").json()["type"] == "urn:realtime:problem:unknown-project"
    assert client.get("/nowhere").json()["type"] == "about:blank"


@pytest.mark.parametrize("amount", [5e6, 5e7])
def test_problem_of_a_bug_tells_nothing_of_the_inside(served: Served, amount: float) -> None:
    answer = served.predict(amount=amount)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == MEDIA_TYPE
    for inside in (INSIDE, "Traceback", "RuntimeError", ".py"):
        assert inside not in answer.text


def test_problem_of_a_bug_leaves_the_app_serving(served: Served) -> None:
    served.predict(amount=5e6)
    assert served.predict(amount=5.0).status_code != 500


def test_no_answer_invites_other_origins(client: TestClient) -> None:
    headers = {"Origin": "http://elsewhere.example", "Access-Control-Request-Method": "PUT"}
    for answer in (
        client.get("/projects", headers=headers),
        client.options("/projects", headers=headers),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from flows.learning import codec
from flows.stores.registry import Registry
from tests.api_parts import (
    LINE,
    LINEAGE,
    Served,
    learner_of,
    local,
    publication,
    serving,
    teach,
    until,
)

Unique = Callable[[str], str]

# MLflow gives it about its own types when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore:.*type hint is inferred as AnyType:UserWarning")


@pytest.fixture
def served(redis_url: str, mlflow_uri: str, unique: Unique) -> Iterator[Served]:
    with serving(local(redis_url, mlflow_uri=mlflow_uri), unique("registered")) as served:
        yield served


def registry_of(served: Served) -> Registry:
    project = served.project
    return Registry.of(project, served.settings.mlflow_uri)


def register(served: Served, count: int, key: bytes | None = None) -> None:
    learner = learner_of(served.project, count)
    made = publication(learner, served.settings)
    frame = made.learner if key is None else codec.dumps(learner.state, key)
    assert frame is not None
    registry_of(served).register(made.facts, frame)


def test_champion_serves_until_redis_has_a_model(served: Served) -> None:
    register(served, 120)
    until(lambda: served.version() is not None, "the champion")
    model = served.predict().json()["model"]
    assert model["version"] == f"{LINE}.120"
    assert (model["alias"], model["source"]) == ("champion", "registry")
    answer = served.get().json()
    assert answer["state"] == "stale"
    assert answer["metrics"] == learner_of(served.project, 120).state.metrics.values()

    facts = served.publish(teach(learner_of(served.project, 40), 1, seed=1))
    assert served.version() == facts.version
    assert served.predict().json()["model"]["source"] == "live"


def test_champion_of_another_key_is_refused_once(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.registered.LOOK_SECONDS", 0.01)
    register(served, 50, key=b"another key")
    until(lambda: served.get().json()["problems"], "the refusal")
    assert served.version() is None
    assert "registry model 1 was refused" in served.predict().json()["detail"]
    for _ in range(20):
        served.look()
    refused = 'realtime_model_refused_total{project="%s",reason="signature"} 1.0'
    assert refused % served.project.slug in served.client.get("/metrics").text


def test_models_are_listed_newest_first_with_aliases(served: Served) -> None:
    register(served, 200)
    register(served, 300)
    first, second = served.get("/models").json()["models"]
    assert (first["version"], second["version"]) == (2, 1)
    assert first["events_learned"] == 300
    assert first["lineage"] == LINEAGE
    assert first["score"] == {"name": "FBeta", "value": first["metrics"]["FBeta"]}
    assert "champion" in [*first["aliases"], *second["aliases"]]


def test_models_of_an_unregistered_project_are_none(served: Served) -> None:
    assert served.get("/models").json() == {"models": []}


def test_models_without_mlflow_are_a_503(
    redis_url: str, unique: Unique, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.registered.PATIENCE_SECONDS", 0.2)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with serving(local(redis_url), unique("registered")) as served:
        answer = served.get("/models")
        served.publish(learner_of(served.project, 10))
    assert answer.status_code == 503
    assert "MLflow" in answer.json()["detail"]

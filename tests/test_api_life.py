"""The model's life over HTTP: versions, changes, training, facts as they change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from river import dummy

from flows.learning.state import Change
from flows.projects import fraud
from flows.stores.commands import Command, CommandStore
from flows.stores.registry import Registry
from flows.streaming.learn import learn
from flows.streaming.messages import Source
from tests.api_parts import Served, learner_of, local, publication, serving
from tests.examples import fraud_events
from tests.lake_rows import lake_at, write
from tests.polls import decoded, learned

Unique = Callable[[str], str]

# MLflow gives it about its own types when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore:.*type hint is inferred as AnyType:UserWarning")

CHALLENGED = replace(fraud.PROJECT, challengers={"prior": dummy.PriorClassifier})
WHO = {"who": "somebody", "why": "to see what happens"}


@pytest.fixture
def served(redis_url: str, mlflow_uri: str, unique: Unique, tmp_path: Any) -> Iterator[Served]:
    settings = local(redis_url, mlflow_uri=mlflow_uri, lake_uri=str(tmp_path))
    with serving(settings, unique("life"), CHALLENGED) as served:
        yield served


@pytest.fixture
def alone(redis_url: str, unique: Unique, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """An API that reaches Redis only."""
    monkeypatch.setattr("api.registered.PATIENCE_SECONDS", 0.2)
    with serving(local(redis_url), unique("alone"), CHALLENGED) as served:
        yield served


def register(served: Served, *counts: int) -> None:
    """Register a version after each of these counts of events."""
    registry = Registry.of(served.project, served.settings.mlflow_uri)
    for count in counts:
        made = publication(learner_of(served.project, count), served.settings)
        assert made.learner is not None
        registry.register(made.facts, made.learner)


def commands(served: Served) -> CommandStore:
    return CommandStore(served.store._redis, served.project.slug)


def post(served: Served, path: str, **body: Any) -> Any:
    return served.client.post(f"{served.url}/{path}", json=body)


def test_a_version_tells_all_there_is_of_it(served: Served) -> None:
    register(served, 100)
    told = served.get("/models/1").json()
    assert told == served.get("/models").json()["models"][0]
    assert (told["version"], told["aliases"], told["events_learned"]) == (1, ["champion"], 100)


@pytest.mark.parametrize("path", ["/models/7", "/compare?a=7&b=8"])
def test_an_unknown_version_is_a_404(served: Served, path: str) -> None:
    answer = served.get(path)
    assert answer.status_code == 404
    assert "no version 7" in answer.json()["detail"]


def test_a_rollback_waits_for_the_flow(served: Served) -> None:
    register(served, 100, 200)
    answer = post(served, "rollback", version=1, **WHO)
    assert answer.status_code == 202
    told = answer.json()
    assert (told["kind"], told["state"], told["version"]) == ("rollback", "waiting", 1)
    waiting = commands(served).waiting(0)
    assert waiting is not None
    assert (waiting.number, waiting.version, waiting.skip) == (told["number"], 1, False)
    assert served.get("/models/history").json() == {"changes": [told], "problems": []}


def test_a_second_command_waits_for_the_first(served: Served) -> None:
    register(served, 100)
    assert post(served, "rollback", version=1, **WHO).status_code == 202
    answer = post(served, "rollback", version=1, **WHO)
    assert answer.status_code == 409
    assert "another command waits" in answer.json()["detail"]


def test_without_a_version_it_goes_back_to_the_previous_champion(served: Served) -> None:
    assert post(served, "rollback", **WHO).status_code == 404
    register(served, 100)
    Registry.of(served.project, served.settings.mlflow_uri).register(*later(served, changed=1))
    assert post(served, "rollback", **WHO).json()["version"] == 1


def later(served: Served, changed: int) -> tuple[Any, bytes]:
    made = publication(learner_of(served.project, 150), served.settings)
    assert made.learner is not None
    return msgspec.structs.replace(made.facts, changed=changed), made.learner


def test_what_was_refused_is_told_with_the_reason(served: Served) -> None:
    command = Command(number=7, kind="rollback", who="me", why="so", time=1.0, version=3)
    commands(served).send(0, command)
    commands(served).refuse(0, command, "no version 3")
    (told,) = served.get("/models/history").json()["changes"]
    assert (told["state"], told["detail"]) == ("refused", "no version 3")


def test_a_version_is_promoted_at_once(served: Served) -> None:
    register(served, 100)
    Registry.of(served.project, served.settings.mlflow_uri).register(*later(served, changed=1))
    assert served.get("/models/1").json()["aliases"] == ["previous"]
    answer = post(served, "promote", version=1, **WHO)
    assert (answer.status_code, answer.json()["state"]) == (200, "done")
    first, second = served.get("/models").json()["models"]
    assert (first["aliases"], second["aliases"]) == (["previous"], ["champion"])
    (told,) = served.get("/models/history").json()["changes"]
    assert (told["kind"], told["version"], told["who"]) == ("promotion", 1, "somebody")


def test_a_challenger_is_promoted_by_the_flow(served: Served) -> None:
    served.publish(learner_of(served.project, 20))
    answer = post(served, "promote", challenger="prior", **WHO)
    assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
    waiting = commands(served).waiting(0)
    assert waiting is not None
    assert (waiting.kind, waiting.challenger) == ("promotion", "prior")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"challenger": "nobody", **WHO}, "there are: prior"),
        ({"challenger": "previous", **WHO}, "there are: prior"),
        ({"version": 1, "challenger": "prior", **WHO}, "either"),
        (WHO, "either"),
        ({"version": 0, **WHO}, "version"),
        ({"version": 1, "who": "", "why": "so"}, "who"),
        ({"version": 1, "who": "me"}, "why"),
        ({"version": 1, "unknown": 1, **WHO}, "unknown"),
    ],
)
def test_what_makes_no_sense_is_a_422(alone: Served, body: Any, detail: str) -> None:
    alone.publish(learner_of(alone.project, 20))
    answer = post(alone, "promote", **body)
    assert answer.status_code == 422
    assert detail in answer.text


def test_changes_of_the_live_model_are_told_without_mlflow(alone: Served) -> None:
    learner = learner_of(alone.project, 30)
    learner.state.record(Change(5, "promotion", "me", "so", 3.0, challenger="prior"))
    alone.publish(learner)
    told = alone.get("/models/history").json()
    (change,) = told["changes"]
    assert (change["state"], change["events_learned"]) == ("done", 30)
    assert "MLflow" in told["problems"][0]


def test_versions_are_compared_on_what_neither_has_learnt(served: Served) -> None:
    register_and_write(served, versions=(200, 300), rows=600)
    told = served.get("/compare?a=1&b=2&events=250").json()
    assert (told["events"], told["unseen"], told["truncated"]) == (250, 250, False)
    assert (told["a"]["learnt"], told["b"]["learnt"]) == (0, 0)
    assert told["a"]["events_learned"] == 200
    assert told["a"]["score"]["name"] == "FBeta"
    again = served.get("/compare?a=2&b=1&events=250").json()
    assert (again["a"], again["b"]) == (told["b"], told["a"])
    assert again["t"] == pytest.approx(-told["t"])


def test_what_was_learnt_before_is_told_where_there_is_nothing_else(served: Served) -> None:
    register_and_write(served, versions=(200, 300), rows=300)
    told = served.get("/compare?a=1&b=2&events=250").json()
    assert (told["events"], told["unseen"]) == (250, 0)
    assert (told["a"]["learnt"], told["b"]["learnt"]) == (150, 250)


def test_without_rows_there_is_nothing_to_compare(served: Served) -> None:
    register(served, 100, 200)
    told = served.get("/compare?a=1&b=2").json()
    assert (told["events"], told["first"], told["t"]) == (0, None, None)
    assert told["a"]["metrics"] == {}


def register_and_write(served: Served, versions: tuple[int, ...], rows: int) -> None:
    project, events = served.project, fraud_events(rows)
    write(lake_at(served.settings.lake_uri), learned(project, events))
    registry = Registry.of(project, served.settings.mlflow_uri)
    for count in versions:
        learner = learner_of(project, 0)
        learn(learner, decoded(Source(project.topic, 0), events[:count]))
        made = publication(learner, served.settings)
        assert made.learner is not None
        registry.register(made.facts, made.learner)


def test_all_flows_are_told_at_once_and_a_new_api_still_knows(served: Served) -> None:
    answer = served.client.put("/training", json={"wanted": "paused"})
    assert answer.json() == {"projects": {served.project.slug: "paused"}}
    assert served.store.wanted() == "paused"
    with serving(served.settings, served.project.slug, CHALLENGED) as another:
        assert another.client.get("/training").json() == answer.json()
        assert another.get("/training").json() == {"wanted": "paused"}
        another.client.put("/training", json={"wanted": "running"})
    assert served.get("/training").json() == {"wanted": "running"}


def test_report_alarms_and_coverage_tell_time_and_count(alone: Served) -> None:
    for path in ("/report", "/alarms", "/coverage"):
        assert alone.get(path).status_code == 503
    learner = learner_of(alone.project, 300)
    facts = alone.publish(learner)
    report, alarms, coverage = (alone.get(p).json() for p in ("/report", "/alarms", "/coverage"))
    for told in (report, alarms, coverage):
        assert told["events_learned"] == 300
        assert told["published_at"]
    assert report["report"] == msgspec.to_builtins(facts.report)
    assert (report["leads"], list(report["challengers"])) == ("original", ["prior"])
    assert report["contests"]["prior"]["labels"] == 250
    assert alarms["count"] == learner.state.counts["alarms"]
    assert (coverage["labels"]["matched"], coverage["labels"]["share"]) == (300, 1.0)

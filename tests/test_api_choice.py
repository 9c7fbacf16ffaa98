from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from river import tree

from api.bodies import InvalidBody
from api.choice import names_of
from api.events import EventReader, example
from flows.learning.learner import Learner
from flows.projects import PROJECTS, fraud
from flows.projects.forms import FormField, form_fields
from flows.stores.registry import Registry
from scripts import streams
from tests.api_parts import LINE, Served, learner_of, local, publication, serving, until

Unique = Callable[[str], str]

pytestmark = pytest.mark.filterwarnings("ignore:.*type hint is inferred as AnyType:UserWarning")

PROJECT = replace(fraud.PROJECT, challengers={"tree": tree.HoeffdingTreeClassifier})


def register(served: Served, count: int) -> None:
    made = publication(learner_of(served.project, count), served.settings)
    assert made.learner is not None
    registry = Registry.of(served.project, served.settings.mlflow_uri)
    registry.register(made.facts, made.learner)


@pytest.fixture(scope="module")
def live(redis_url: str, mlflow_uri: str, unique: Unique) -> Iterator[Served]:
    """A live model of 300 events, and two registered versions of 100 and 200."""
    settings = local(redis_url, mlflow_uri=mlflow_uri)
    with serving(settings, unique("chosen"), PROJECT) as served:
        register(served, 100)
        register(served, 200)
        served.publish(learner_of(served.project))
        yield served


def ask(served: Served, model: str, **changes: Any) -> Any:
    values = example(served.project) | {"transaction_id": "t", "user_id": "u"} | changes
    return served.client.post(f"{served.url}/predict", json=values, params={"model": model})


def own(learner: Learner, model: Any) -> dict[str, Any]:
    project = learner.project
    values = example(project) | {"timestamp": "2026-01-02T03:04:05+00:00"}
    event = EventReader(project).read(msgspec.json.encode(values))
    made = project.task.predict(model, project.inputs(event, learner.state.past))
    return dict(msgspec.to_builtins(made))


def by(answer: Any) -> tuple[str, str, int | None, str]:
    model = answer["model"]
    return model["alias"], model["source"], model["number"], model["version"]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("", ("live", "live", None, f"{LINE}.300")),
        ("live", ("live", "live", None, f"{LINE}.300")),
        ("challenger", ("tree", "live", None, f"{LINE}.300")),
        ("tree", ("tree", "live", None, f"{LINE}.300")),
        ("1", ("1", "registry", 1, f"{LINE}.100")),
        ("2", ("2", "registry", 2, f"{LINE}.200")),
    ],
)
def test_the_model_that_is_asked_for_answers(live: Served, model: str, expected: Any) -> None:
    answer = ask(live, model)
    assert answer.status_code == 200, answer.text
    assert by(answer.json()) == expected


def test_the_champion_is_the_registrys(live: Served) -> None:
    champion = Registry.of(live.project, live.settings.mlflow_uri).champion()
    assert champion is not None
    alias, source, number, version = by(ask(live, "champion").json())
    assert (alias, source, number) == ("champion", "registry", champion.number)
    assert version == f"{LINE}.{champion.events_learned}"


def test_each_model_says_what_it_would_say_by_itself(live: Served) -> None:
    at = "2026-01-02T03:04:05+00:00"
    answers = ask(live, "live,tree,1", timestamp=at).json()["predictions"]
    newest, first = learner_of(live.project), learner_of(live.project, 100)
    models = [newest.state.model, newest.state.challengers["tree"].model]
    expected = [own(newest, model) for model in models] + [own(first, first.state.model)]
    assert [one["prediction"] for one in answers] == expected
    assert len({one["prediction"]["probability"] for one in answers}) == 3


def test_several_models_answer_side_by_side_in_the_order_asked_for(live: Served) -> None:
    answers = ask(live, "2,challenger,live").json()["predictions"]
    assert [one["model"]["alias"] for one in answers] == ["2", "tree", "live"]
    assert {one["event_id"] for one in answers} == {"t"}
    assert len({one["prediction_id"] for one in answers}) == 3


@pytest.mark.parametrize(
    "model", ["99", "0", "weather", "live,weather", "-1", str(2**31 + 1), "9" * 5_000]
)
def test_a_model_that_is_not_there_is_a_404(live: Served, model: str) -> None:
    answer = ask(live, model)
    assert answer.status_code == 404
    assert live.project.slug in answer.json()["detail"]


@pytest.mark.parametrize("model", ["live,", ",", "1,2,3,4,5,6,7,8,9"])
def test_a_list_of_models_that_is_wrong_is_a_422(live: Served, model: str) -> None:
    answer = ask(live, model)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["location"] == "model"


def test_names_are_taken_once_each() -> None:
    assert names_of("live, 1,live") == ["live", "1"]
    assert names_of("") == [""]
    with pytest.raises(InvalidBody):
        names_of("a,,b")


def test_versions_in_memory_are_bounded(live: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.versions.KEPT", 1)
    versions = live.client.app_state["platform"].versions
    versions._held.clear()
    for model in ("1", "2", "1"):
        assert ask(live, model).json()["model"]["alias"] == model
        assert len(versions._held) == 1


def test_a_version_answers_while_mlflow_is_away_once_it_is_in_memory(
    live: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(live, "2").status_code == ask(live, "champion").status_code == 200

    def gone(*_: object) -> None:
        raise AssertionError("MLflow was asked")

    monkeypatch.setattr(Registry, "versions", gone)
    assert by(ask(live, "2").json())[2] == 2


def test_the_champion_last_known_answers_while_mlflow_is_away(
    redis_url: str, unique: Unique, servers: Any, part_env: dict[str, str], tmp_path: Any
) -> None:
    from scripts.local import parts
    from scripts.local.ports import free_port

    port = free_port()
    tracking = servers.start(parts.mlflow(port, tmp_path / "mlflow", part_env))
    settings = local(redis_url, mlflow_uri=f"http://127.0.0.1:{port}")
    with pytest.MonkeyPatch.context() as patch, serving(settings, unique("gone")) as served:
        patch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        patch.setattr("api.versions.CHAMPION_SECONDS", 0.0)
        register(served, 60)
        served.publish(learner_of(served.project, 70))
        assert ask(served, "champion").json()["model"]["version"] == f"{LINE}.60"
        servers.stop(tracking)
        assert ask(served, "champion").json()["model"]["version"] == f"{LINE}.60"
        missing = ask(served, "7")
        assert missing.status_code == 503
        assert "MLflow" in missing.json()["detail"]
        assert ask(served, "live").status_code == 200


def test_a_champion_without_redis_answers_live_with_a_503(
    redis_url: str, mlflow_uri: str, unique: Unique
) -> None:
    settings = local(redis_url, mlflow_uri=mlflow_uri)
    with serving(settings, unique("alone"), PROJECT) as served:
        register(served, 80)
        until(lambda: served.version() is not None, "the champion")
        assert by(ask(served, "").json())[:3] == ("champion", "registry", 1)
        assert by(ask(served, "champion").json())[3] == f"{LINE}.80"
        assert by(ask(served, "tree").json())[1] == "registry"
        answer = ask(served, "live")
    assert answer.status_code == 503
    assert "no live model" in answer.json()["detail"]


def test_a_list_is_answered_event_by_event(live: Served) -> None:
    events = [example(live.project) | {"transaction_id": f"t{number}"} for number in range(45)]
    answer = live.client.post(f"{live.url}/predict", json=events, params={"model": "live,tree"})
    found = [(one["event_id"], one["model"]["alias"]) for one in answer.json()["predictions"]]
    assert found == [(f"t{n}", alias) for n in range(45) for alias in ("live", "tree")]


def test_a_list_of_one_is_a_list(live: Served) -> None:
    answer = live.client.post(f"{live.url}/predict", json=[example(live.project)])
    assert len(answer.json()["predictions"]) == 1


@pytest.mark.parametrize(
    ("bad", "location"),
    [({"amount": -1}, "2.amount"), ({"location": {"lat": 1}}, "2.location.lon"), (None, "2")],
)
def test_one_bad_event_of_a_list_is_named_by_its_index(
    live: Served, bad: Any, location: str
) -> None:
    good = example(live.project)
    events = [good, good, bad and good | bad, good]

    def line_of(name: str) -> str:
        lines = live.client.get("/metrics").text.splitlines()
        return next(line for line in lines if line.startswith(name))

    name = f'realtime_predictions_total{{project="{live.project.slug}",source="live"}}'
    before = line_of(name)
    answer = live.client.post(f"{live.url}/predict", json=events)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["location"] == location
    assert before == line_of(name)


@pytest.mark.parametrize("count", [0, 1001])
def test_a_list_has_one_to_a_thousand_events(live: Served, count: int) -> None:
    answer = live.client.post(f"{live.url}/predict", json=[{}] * count)
    assert answer.status_code == 422
    assert str(count) in answer.json()["detail"]


@pytest.mark.parametrize("body", [b"7", b"null", b'"event"', b"[1]"])
def test_a_body_that_is_no_event_is_a_422(live: Served, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = live.client.post(f"{live.url}/predict", content=body, headers=headers)
    assert answer.status_code == 422


@pytest.mark.parametrize("body", [b"", b"[", b"{", b"\xff", b"[" * 10_000])
def test_a_body_that_is_no_json_is_a_400(live: Served, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = live.client.post(f"{live.url}/predict", content=body, headers=headers)
    assert answer.status_code == 400


@pytest.mark.parametrize("slug", list(PROJECTS))
def test_every_project_is_sampled_described_and_predicted(
    redis_url: str, unique: Unique, slug: str
) -> None:
    project = PROJECTS[slug]
    learner = Learner.fresh(project, 1_700_000_000_000)
    for values in streams.events(slug, profile=streams.default_profile(slug), seed=0, count=400):
        event = msgspec.convert(values, project.event)
        learner.observe(event, getattr(event, project.time).timestamp())
    with serving(local(redis_url), unique(slug), project) as served:
        assert served.get("/predict").status_code == 405
        served.publish(learner)
        first, second = served.get("/sample").json(), served.get("/sample").json()
        assert first != second
        assert not set(project.hidden) & set(first)
        schema = served.get("/schema").json()
        fields = form_fields(project.event, hidden=project.hidden)
        assert msgspec.convert(schema["fields"], list[FormField]) == fields
        assert schema["entity"] == list(project.entities)
        drawn = streams.events(slug, profile=streams.default_profile(slug), seed=0, count=1)
        sent = [first, dict(next(drawn))]
        names = ["live", *project.challengers]
        answer = served.client.post(
            f"{served.url}/predict", json=sent, params={"model": ",".join(names)}
        )
        assert answer.status_code == 200, answer.text
        for one in answer.json()["predictions"]:
            msgspec.convert(one["prediction"], project.task.prediction)

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import tree

from api.events import EventReader, example
from api.inference import RequestTensor
from api.tensors import Tensors
from flows.learning.learner import Learner
from flows.projects import PROJECTS, fraud
from scripts import streams
from tests.api_parts import LINE, Served, learner_of, local, serving

Unique = Callable[[str], str]

PROJECT = replace(fraud.PROJECT, challengers={"tree": tree.HoeffdingTreeClassifier})
DATATYPES = {float: "FP64", int: "INT64", bool: "BOOL", str: "BYTES", type(None): "BYTES"}


@pytest.fixture(scope="module")
def live(redis_url: str, unique: Unique) -> Iterator[Served]:
    with serving(local(redis_url), unique("fraud"), PROJECT) as served:
        served.publish(learner_of(served.project))
        yield served


@pytest.fixture(scope="module")
def empty(redis_url: str, unique: Unique) -> Iterator[Served]:
    with serving(local(redis_url), unique("fraud")) as served:
        yield served


def leaves(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        path = f"{prefix}{name}"
        found |= leaves(value, f"{path}.") if isinstance(value, dict) else {path: value}
    return found


def columns(events: list[dict[str, Any]], datatypes: dict[str, str] | None = None) -> list[Any]:
    rows = [leaves(event) for event in events]
    return [
        {
            "name": name,
            "shape": [len(rows)],
            "datatype": (datatypes or {}).get(name) or DATATYPES[type(rows[0][name])],
            "data": [row[name] for row in rows],
        }
        for name in rows[0]
    ]


def texts(events: list[dict[str, Any]]) -> list[Any]:
    data = [msgspec.json.encode(event).decode() for event in events]
    return [{"name": "event", "shape": [len(data)], "datatype": "BYTES", "data": data}]


def infer(served: Served, inputs: Any, version: str = "", **others: Any) -> Any:
    path = f"/v2/models/{served.project.slug}" + (version and f"/versions/{version}")
    return served.client.post(f"{path}/infer", json={"inputs": inputs, **others})


def outputs(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return {one["name"]: one["data"] for one in answer.json()["outputs"]}


def events_of(served: Served, count: int = 3) -> list[dict[str, Any]]:
    fixed = {"user_id": "u", "timestamp": "2026-01-02T03:04:05+00:00"}
    return [
        example(served.project) | fixed | {"transaction_id": f"t{number}", "amount": 10.0**number}
        for number in range(count)
    ]


def test_server_tells_who_it_is(live: Served) -> None:
    assert live.client.get("/v2").json()["name"] == "coelho-realtime"
    assert live.client.get("/v2/health/live").json() == {"live": True}


def test_server_is_ready_once_every_model_is(live: Served, empty: Served) -> None:
    assert live.client.get("/v2/health/ready").json()["ready"] is True
    answer = empty.client.get("/v2/health/ready")
    assert (answer.status_code, answer.json()["ready"]) == (503, False)


def test_model_tells_its_tensors(live: Served) -> None:
    answer = live.client.get(f"/v2/models/{live.project.slug}").json()
    inputs = {one["name"]: one["datatype"] for one in answer["inputs"]}
    assert inputs["amount"] == "FP64"
    assert inputs["location.lat"] == "FP64"
    assert inputs["account_age_days"] == "INT64"
    assert inputs["cvv_provided"] == "BOOL"
    assert inputs["event"] == inputs["timestamp"] == inputs["merchant_id"] == "BYTES"
    assert "is_fraud" not in inputs
    assert {one["name"] for one in answer["outputs"]} == {
        *("probability", "decision", "threshold"),
        *("prediction_id", "event_id", "reasons"),
    }
    assert {tuple(one["shape"]) for one in answer["inputs"] + answer["outputs"]} == {(-1,)}
    assert answer["versions"] == ["live", "champion", "challenger", "tree"]


def test_model_is_ready_when_it_can_be_asked(live: Served, empty: Served) -> None:
    slug = live.project.slug
    for path in ("", "/versions/live", "/versions/tree"):
        answer = live.client.get(f"/v2/models/{slug}{path}/ready")
        assert (answer.status_code, answer.json()) == (200, {"name": slug, "ready": True})
    for path in ("", "/versions/live"):
        assert empty.client.get(f"/v2/models/{empty.project.slug}{path}/ready").status_code == 503


def test_version_tells_its_tensors_too(live: Served) -> None:
    slug = live.project.slug
    plain = live.client.get(f"/v2/models/{slug}").json()
    assert live.client.get(f"/v2/models/{slug}/versions/tree").json() == plain


@pytest.mark.parametrize("body", [None, {}, {"ready": True}])
def test_repository_lists_models(live: Served, body: Any) -> None:
    (one,) = live.client.post("/v2/repository/index", json=body).json()
    version = f"{LINE}.300"
    expected = {"name": live.project.slug, "version": version, "state": "READY", "reason": ""}
    assert one == expected


def test_repository_lists_what_is_not_ready_unless_told_not_to(empty: Served) -> None:
    (one,) = empty.client.post("/v2/repository/index").json()
    assert (one["state"], one["reason"]) == ("UNAVAILABLE", "its flow has published no model yet")
    assert empty.client.post("/v2/repository/index", json={"ready": True}).json() == []


def test_columns_and_texts_are_answered_like_predict(live: Served) -> None:
    events = events_of(live)
    by_columns, by_texts = infer(live, columns(events)), infer(live, texts(events))
    plain = live.client.post(f"{live.url}/predict", json=events).json()["predictions"]
    for found in (outputs(by_columns), outputs(by_texts)):
        assert found["event_id"] == ["t0", "t1", "t2"]
        for name in ("probability", "decision", "threshold"):
            assert found[name] == [one["prediction"][name] for one in plain]
        assert [msgspec.json.decode(text) for text in found["reasons"]] == [
            one["reasons"] for one in plain
        ]
        assert len(set(found["prediction_id"])) == 3


def test_answer_names_model_version_and_id(live: Served) -> None:
    answer = infer(live, texts(events_of(live)), id="request 7").json()
    assert (answer["id"], answer["model_name"]) == ("request 7", live.project.slug)
    assert answer["model_version"] == f"{LINE}.300"
    assert answer["parameters"]["events_learned"] == 300
    assert "id" not in infer(live, texts(events_of(live))).json()


def test_a_version_answers_by_its_name(live: Served) -> None:
    events = events_of(live)
    asked = live.client.post(f"{live.url}/predict?model=tree", json=events).json()["predictions"]
    answer = infer(live, columns(events), "tree")
    assert answer.json()["parameters"]["alias"] == "tree"
    expected = [one["prediction"]["probability"] for one in asked]
    assert outputs(answer)["probability"] == expected


def test_only_outputs_that_are_wanted_are_sent(live: Served) -> None:
    wanted = [{"name": "decision"}, {"name": "probability"}]
    answer = infer(live, texts(events_of(live)), outputs=wanted).json()["outputs"]
    assert [(one["name"], one["datatype"], one["shape"]) for one in answer] == [
        ("decision", "INT64", [3]),
        ("probability", "FP64", [3]),
    ]


def test_a_column_of_shape_n_1_is_one_of_n(live: Served) -> None:
    flat = columns(events_of(live))
    nested = [one | {"shape": [3, 1], "data": [[value] for value in one["data"]]} for one in flat]
    assert outputs(infer(live, nested))["probability"] == outputs(infer(live, flat))["probability"]


def test_missing_ids_and_times_are_made_up(live: Served) -> None:
    events = [example(live.project) for _ in range(2)]
    assert len(set(outputs(infer(live, columns(events)))["event_id"])) == 2


def bad_inputs() -> Iterator[Any]:
    whole = {"name": "event", "shape": [1], "datatype": "BYTES", "data": ["{}"]}
    yield [], "no inputs"
    yield [whole | {"name": "shoe_size"}], "shoe_size"
    yield [whole | {"shape": [2]}], "shape"
    yield [whole | {"shape": [1, 2], "data": [["{}", "{}"]]}], "shape"
    yield [whole | {"shape": []}], "shape"
    yield [whole | {"shape": [0], "data": []}], "0 events"
    yield [whole, whole], "different"
    yield [whole, whole | {"name": "amount", "datatype": "FP64", "data": [1]}], "alone"
    yield [whole | {"name": "amount"}], "send FP64"
    yield [whole | {"name": "merchant_id", "datatype": "FP64"}], "send BYTES"
    yield [whole | {"data": ["{"]}], "JSON"
    yield [whole | {"data": [7]}], "JSON"
    yield [whole | {"data": ["[]"]}], "object"
    yield [whole], "missing"


@pytest.mark.parametrize(("inputs", "told"), list(bad_inputs()))
def test_what_cannot_be_read_is_an_error_as_the_protocol_says(
    live: Served, inputs: Any, told: str
) -> None:
    answer = infer(live, inputs)
    assert answer.status_code in (400, 422)
    assert told in answer.json()["error"]
    assert answer.json()["error"] == answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v2/models/weather", 404),
        ("/v2/models/weather/ready", 404),
        ("/v2/models/{slug}/versions/weather", 404),
        ("/v2/models/{slug}/versions/a,b/ready", 422),
        ("/v2/nothing", 404),
    ],
)
def test_what_is_not_there_is_an_error_as_the_protocol_says(
    live: Served, path: str, status: int
) -> None:
    answer = live.client.get(path.format(slug=live.project.slug))
    assert answer.status_code == status
    assert answer.json()["error"]


def test_an_output_that_is_not_there_is_a_400(live: Served) -> None:
    answer = infer(live, texts(events_of(live)), outputs=[{"name": "shoe_size"}])
    assert answer.status_code == 400
    assert "probability" in answer.json()["error"]


def test_a_model_that_has_not_learnt_is_a_503(empty: Served) -> None:
    answer = infer(empty, texts(events_of(empty)))
    assert answer.status_code == 503
    assert "no model yet" in answer.json()["error"]


def test_a_client_that_says_no_content_type_is_understood(live: Served) -> None:
    body = msgspec.json.encode({"inputs": texts(events_of(live))})
    url = f"/v2/models/{live.project.slug}/infer"
    assert live.client.post(url, content=body).status_code == 200
    wrong = live.client.post(url, content=body, headers={"content-type": "text/plain"})
    assert wrong.status_code == 415


def test_other_errors_have_no_such_member(live: Served) -> None:
    assert "error" not in live.client.get("/projects/weather").json()


@pytest.mark.parametrize("slug", list(PROJECTS))
def test_every_project_is_a_model(redis_url: str, unique: Unique, slug: str) -> None:
    project = PROJECTS[slug]
    profile = streams.default_profile(slug)
    learner = Learner.fresh(project, 1)
    events = [dict(one) for one in streams.events(slug, profile=profile, seed=0, count=400)]
    for values in events:
        event = msgspec.convert(values, project.event)
        learner.observe(event, getattr(event, project.time).timestamp())
    sent = [{k: v for k, v in one.items() if k not in project.unknown} for one in events[:4]]
    with serving(local(redis_url), unique(slug), project) as served:
        served.publish(learner)
        facts = served.client.get(f"/v2/models/{served.project.slug}").json()
        datatypes = {one["name"]: one["datatype"] for one in facts["inputs"]}
        found = outputs(infer(served, columns(sent, datatypes)))
        assert set(found) == {one["name"] for one in facts["outputs"]}
        plain = served.client.post(f"{served.url}/predict", json=sent).json()["predictions"]
        for one, number in zip(plain, range(4), strict=True):
            for name, value in leaves(one["prediction"]).items():
                if name in found:
                    assert found[name][number] == value


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 20), st.randoms(use_true_random=False))
def test_events_survive_being_columns(count: int, rng: Any) -> None:
    reader = EventReader(PROJECT)
    events = [
        example(PROJECT)
        | {"transaction_id": f"t{rng.random()}", "user_id": "u", "amount": rng.random()}
        | {"timestamp": "2026-01-02T03:04:05+00:00"}
        for _ in range(count)
    ]
    sent = msgspec.convert(columns(events), list[RequestTensor])
    made = Tensors(PROJECT, reader).events(sent)
    assert made == [msgspec.convert(event, PROJECT.event) for event in events]

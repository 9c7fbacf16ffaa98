from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID

import msgspec
import pytest
from river import linear_model, tree

from api.events import EventReader, example
from flows.learning.learner import Learner
from flows.projects import fraud
from flows.sharding import shard_of
from tests.api_parts import LINE, LINEAGE, Served, learner_of, local, publication, serving, until

Unique = Callable[[str], str]


class Explained(linear_model.LogisticRegression):
    """Says what each input added to the log-odds."""

    def explain_one(self, _: dict[str, float]) -> dict[str, float]:
        return {name: (-1.0) ** rank * rank for rank, name in enumerate("abcdefgh", 1)}


@pytest.fixture(scope="module")
def empty(redis_url: str, unique: Unique) -> Iterator[Served]:
    with serving(local(redis_url), unique("fraud")) as served:
        yield served


@pytest.fixture(scope="module")
def learner() -> Learner:
    return learner_of(fraud.PROJECT)


@pytest.fixture(scope="module")
def live(redis_url: str, unique: Unique) -> Iterator[Served]:
    with serving(local(redis_url), unique("fraud")) as served:
        served.publish(learner_of(served.project))
        yield served


def own_prediction(learner: Learner, event: Any) -> dict[str, Any]:
    project = learner.project
    made = project.task.predict(learner.state.model, project.inputs(event, learner.state.past))
    return dict(msgspec.to_builtins(made))


def test_predict_without_a_model_says_so(empty: Served) -> None:
    answer = empty.predict()
    assert answer.status_code == 503
    assert answer.json()["detail"].startswith(f"{empty.project.slug} has no model yet")
    assert answer.headers["retry-after"]


def test_predict_for_an_unknown_project_names_the_known_ones(empty: Served) -> None:
    answer = empty.client.post("/projects/weather/predict", json={})
    assert answer.status_code == 404
    assert empty.project.slug in answer.json()["detail"]


def test_predict_names_a_wrong_nested_field(empty: Served) -> None:
    answer = empty.predict(location={"lat": "north", "lon": 0})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["location"] == "location.lat"


def test_predict_answers_what_the_learner_would(live: Served, learner: Learner) -> None:
    values = example(live.project) | {"transaction_id": "t", "user_id": "u"}
    values["timestamp"] = "2026-01-02T03:04:05+00:00"
    answer = live.client.post(f"{live.url}/predict", json=values)
    event = EventReader(live.project).read(msgspec.json.encode(values))
    assert answer.status_code == 200
    assert answer.json()["prediction"] == own_prediction(learner, event)


def test_predict_identifies_itself_the_event_and_the_model(live: Served) -> None:
    answer = live.predict(transaction_id="mine").json()
    assert UUID(answer["prediction_id"]).version == 4
    assert (answer["event_id"], answer["project"]) == ("mine", live.project.slug)
    model = answer["model"]
    assert model["version"] == f"{LINE}.300"
    assert (model["alias"], model["source"], model["lineage"]) == ("live", "live", LINEAGE)
    assert model["events_learned"] == 300
    assert model["age_seconds"] >= 0


def test_predict_twice_has_two_ids(live: Served) -> None:
    first, second = live.predict().json(), live.predict().json()
    assert first["prediction_id"] != second["prediction_id"]
    assert first["event_id"] != second["event_id"]


def test_predict_does_not_change_the_model(live: Served) -> None:
    answers = [live.predict(transaction_id="t", user_id="u").json() for _ in range(20)]
    assert len({answer["prediction"]["probability"] for answer in answers}) == 1


def test_predict_is_not_to_be_cached(live: Served) -> None:
    assert live.predict().headers["cache-control"] == "no-store"


def test_predict_by_a_model_that_knows_too_little_is_a_503(redis_url: str, unique: Unique) -> None:
    project = replace(fraud.PROJECT, model=tree.HoeffdingTreeClassifier)
    with serving(local(redis_url), unique("fraud"), project) as served:
        served.publish(Learner.fresh(served.project, LINEAGE))
        answer = served.predict()
    assert answer.status_code == 503
    assert "learnt too little" in answer.json()["detail"]


def test_predict_gives_the_six_largest_reasons(redis_url: str, unique: Unique) -> None:
    project = replace(
        fraud.PROJECT, model=Explained, features=lambda event: {"amount": event.amount}
    )
    with serving(local(redis_url), unique("fraud"), project) as served:
        served.publish(learner_of(served.project, 20))
        reasons = served.predict().json()["reasons"]
    assert list(reasons.items()) == [
        ("h", 8.0),
        ("g", -7.0),
        ("f", 6.0),
        ("e", -5.0),
        ("d", 4.0),
        ("c", -3.0),
    ]


def test_predict_without_an_explaining_model_has_no_reasons(redis_url: str, unique: Unique) -> None:
    project = replace(fraud.PROJECT, model=tree.HoeffdingTreeClassifier)
    with serving(local(redis_url), unique("fraud"), project) as served:
        served.publish(learner_of(served.project, 20))
        assert served.predict().json()["reasons"] is None


def test_predict_asks_the_shard_of_the_entity(redis_url: str, unique: Unique) -> None:
    with serving(local(redis_url, shards=2), unique("fraud")) as served:
        for shard in (0, 1):
            served.publish(learner_of(served.project, 100 + shard), shard)
        for user in ("ada", "bob", "eve", "joe", "kim", "zoe"):
            learned = served.predict(user_id=user).json()["model"]["events_learned"]
            assert learned == 100 + shard_of(user.encode(), 2)


@pytest.mark.slow
def test_predict_during_a_thousand_swaps_never_mixes(redis_url: str, unique: Unique) -> None:
    fixed = {"transaction_id": "t", "user_id": "u", "timestamp": "2026-01-02T03:04:05+00:00"}
    with serving(local(redis_url), unique("fraud")) as served:
        learners = [learner_of(served.project, 20 + number) for number in range(20)]
        made = [publication(learner, served.settings) for learner in learners]
        values = example(served.project) | fixed
        event = EventReader(served.project).read(msgspec.json.encode(values))
        expected = [own_prediction(learner, event)["probability"] for learner in learners]
        assert len(set(expected)) == len(expected)
        follower = served.client.app_state["platform"].served[served.project.slug].follower

        def swap(number: int) -> None:
            """Publish a model under a version that tells which of them it is."""
            one = made[number % len(made)]
            counts = one.facts.counts | {"events": 1000 + number}
            version = f"{number}.{number % len(made)}"
            facts = msgspec.structs.replace(one.facts, counts=counts, version=version)
            assert served.store.publish(facts, one.model)
            until(lambda: follower.require().facts.version == version, version)

        def ask() -> list[Any]:
            answers = []
            while not done.is_set():
                answers.append(served.predict(**fixed))
            return answers

        done = threading.Event()
        served.publish(learners[0])
        with ThreadPoolExecutor(4) as pool:
            swap(0)
            asking = [pool.submit(ask) for _ in range(4)]
            try:
                for number in range(1, 1001):
                    swap(number)
            finally:
                done.set()
            answers = [answer for each in asking for answer in each.result()]
    assert {answer.status_code for answer in answers} == {200}
    told = [answer.json() for answer in answers]
    for one in told:
        model = int(one["model"]["version"].partition(".")[2])
        assert one["prediction"]["probability"] == expected[model]
    assert len({one["model"]["version"] for one in told}) > 20

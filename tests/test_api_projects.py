from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from flows.projects import fraud
from flows.projects.forms import FormField, form_fields
from flows.stores.live import STATUS_SECONDS
from tests.api_parts import LINE, LINEAGE, Served, learner_of, local, serving, teach, until

Unique = Callable[[str], str]


@pytest.fixture(scope="module")
def empty(redis_url: str, unique: Unique) -> Iterator[Served]:
    with serving(local(redis_url), unique("fraud")) as served:
        yield served


@pytest.fixture(scope="module")
def live(redis_url: str, unique: Unique) -> Iterator[Served]:
    with serving(local(redis_url), unique("fraud")) as served:
        served.publish(learner_of(served.project, 400))
        yield served


def test_projects_are_listed(empty: Served) -> None:
    (one,) = empty.client.get("/projects").json()["projects"]
    assert one == {
        "slug": empty.project.slug,
        "title": "Transaction Fraud Detection",
        "summary": "Which of these payments is somebody else's?",
        "task": "binary",
        "topic": "transaction_fraud_detection",
        "score": "FBeta",
    }


def test_project_without_a_model_is_absent(empty: Served) -> None:
    answer = empty.get().json()
    assert answer["state"] == "absent"
    assert (answer["model"], answer["score"]) == (None, None)
    assert (answer["metrics"], answer["counts"], answer["alarms"]) == ({}, {}, [])
    assert (answer["events_per_second"], answer["lag"]) == (None, None)


def test_project_has_its_form_without_the_label(empty: Served) -> None:
    form = msgspec.convert(empty.get().json()["form"], list[FormField])
    assert form == form_fields(fraud.Transaction, hidden=["is_fraud"])
    assert "is_fraud" not in [field.path for field in form]


def test_project_has_its_queries(empty: Served) -> None:
    assert [query["sql"] for query in empty.get().json()["queries"]] == [
        query.sql for query in fraud.PROJECT.queries
    ]


def test_project_without_a_heartbeat_is_stale(live: Served) -> None:
    live.store._redis.delete(f"realtime:{live.project.slug}:0:status")
    assert live.get().json()["state"] in ("stale",)


@pytest.mark.parametrize("state", ["running", "paused"])
def test_project_tells_the_state_of_its_flow(live: Served, state: str) -> None:
    live.beat(state=state)
    until(lambda: live.get().json()["state"] == state, "the state")
    answer = live.get().json()
    assert (answer["events_per_second"], answer["lag"]) == (12.5, 3)


def test_project_with_an_old_heartbeat_is_stale(live: Served) -> None:
    long_ago = (datetime.now(UTC) - timedelta(seconds=STATUS_SECONDS + 1)).timestamp()
    live.beat(time=long_ago)
    until(lambda: live.get().json()["state"] == "stale", "the state")
    assert live.get().json()["lag"] is None


def test_project_describes_its_model(live: Served) -> None:
    answer = live.get().json()
    model = answer["model"]
    assert model["version"] == f"{LINE}.400"
    assert (model["alias"], model["source"]) == ("live", "live")
    assert (model["lineage"], model["generation"]) == (LINEAGE, LINEAGE)
    assert model["events_learned"] == 400
    assert datetime.fromisoformat(model["published_at"]).tzinfo is not None
    assert model["bytes"] > 100
    assert answer["score"] == {"name": "FBeta", "value": answer["metrics"]["FBeta"]}
    assert answer["counts"]["learned"] == 400


def test_project_that_is_unknown_is_a_404(live: Served) -> None:
    assert live.client.get("/projects/weather").status_code == 404


def test_project_with_a_shard_that_does_not_exist_is_a_422(live: Served) -> None:
    assert live.get("?shard=1").status_code == 422
    assert live.get("?shard=-1").status_code == 422


def test_metrics_are_those_of_the_learner(live: Served) -> None:
    answer = live.get("/metrics").json()
    learner = learner_of(live.project, 400)
    assert answer["metrics"] == learner.state.metrics.values()
    assert answer["report"] == msgspec.to_builtins(learner.state.metrics.report())
    assert answer["events_learned"] == 400


def test_metrics_without_a_model_are_a_503(empty: Served) -> None:
    assert empty.get("/metrics").status_code == 503


def test_history_without_a_model_is_empty(empty: Served) -> None:
    assert empty.get("/metrics/history").json() == {"points": []}


def test_history_is_the_newest_points_oldest_first(redis_url: str, unique: Unique) -> None:
    with serving(local(redis_url), unique("fraud")) as served:
        learner = learner_of(served.project, 10)
        for number in range(4):
            served.publish(teach(learner, 10, seed=number + 1))
        points = served.get("/metrics/history?points=3").json()["points"]
    assert [point["events_learned"] for point in points] == [30, 40, 50]
    assert set(points[0]) == {"events_learned", "time", "metrics", "challengers", "online"}


@pytest.mark.parametrize("points", ["0", "-1", "many", "3001"])
def test_history_of_an_impossible_length_is_a_422(live: Served, points: str) -> None:
    answer = live.get(f"/metrics/history?points={points}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["location"] == "query.points"


def test_training_is_wanted_until_told_otherwise(empty: Served) -> None:
    assert empty.get("/training").json() == {"wanted": "running"}


def test_training_that_is_paused_is_what_the_flow_reads(live: Served) -> None:
    url = f"{live.url}/training"
    assert live.client.put(url, json={"wanted": "paused"}).json() == {"wanted": "paused"}
    assert live.store.wanted() == "paused"
    assert live.get("/training").json() == {"wanted": "paused"}
    live.client.put(url, json={"wanted": "running"})
    assert live.store.wanted() == "running"


@pytest.mark.parametrize("body", [{"wanted": "stopped"}, {}, {"wanted": None}])
def test_training_of_another_kind_is_a_422(live: Served, body: object) -> None:
    answer = live.client.put(f"{live.url}/training", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["location"] == "wanted"
    assert live.store.wanted() == "running"

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from flows.projects import fraud, interactions
from flows.sharding import shard_of
from scripts.topics import ensure_topics
from tests.api_parts import Served, learner_of, local, serving, until

Unique = Callable[[str], str]


@pytest.fixture(scope="module")
def live(redis_url: str, broker: str, unique: Unique) -> Iterator[Served]:
    project = replace(fraud.PROJECT, topic=unique("served"))
    settings = local(redis_url, kafka_bootstrap=broker)
    ensure_topics(project, settings)
    with serving(settings, unique("served"), project) as served:
        served.publish(learner_of(served.project))
        yield served


def score(served: Served) -> dict[str, Any]:
    return dict(served.get("/metrics").json()["served"])


def count(served: Served, alias: str = "live") -> int:
    return int(score(served).get(alias, {"count": 0})["count"])


def label(served: Served, **body: Any) -> Any:
    return served.client.post(f"{served.url}/labels", json={"label": 1, **body})


def test_a_label_for_a_prediction_is_sent_and_scored(live: Served) -> None:
    before = count(live)
    made = live.predict(transaction_id="mine").json()
    answer = label(live, prediction_id=made["prediction_id"])
    assert answer.status_code == 202, answer.text
    assert answer.json()["event_id"] == "mine"
    until(lambda: count(live) == before + 1, "the score")
    assert "LogLoss" in score(live)["live"]["metrics"]
    assert label(live, prediction_id=made["prediction_id"]).status_code == 404


def test_a_label_for_an_event_is_scored(live: Served) -> None:
    before = count(live)
    live.client.post(
        f"{live.url}/predict",
        json=[live.get("/sample").json() | {"transaction_id": f"e{n}"} for n in range(3)],
    )
    for number in range(3):
        assert label(live, event_id=f"e{number}", label=0).status_code == 202
    until(lambda: count(live) == before + 3, "the score")


def test_a_label_for_nothing_that_was_served_changes_no_score(live: Served) -> None:
    before = count(live)
    assert label(live, event_id="never predicted").status_code == 202
    made = live.predict().json()
    label(live, prediction_id=made["prediction_id"])
    until(lambda: count(live) == before + 1, "the score")


def test_a_label_for_a_prediction_that_is_not_kept_is_a_404(live: Served) -> None:
    answer = label(live, prediction_id="nothing")
    assert answer.status_code == 404
    assert "event_id" in answer.json()["detail"]


def test_a_label_whose_ids_contradict_each_other_is_a_422(live: Served) -> None:
    made = live.predict().json()
    answer = label(live, prediction_id=made["prediction_id"], event_id="another")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["location"] == "event_id"


def test_a_score_outlives_the_api(redis_url: str, broker: str, unique: Unique) -> None:
    slug, project = unique("outlives"), replace(fraud.PROJECT, topic=unique("outlives"))
    settings = local(redis_url, kafka_bootstrap=broker)
    ensure_topics(project, settings)
    with serving(settings, slug, project) as served:
        served.publish(learner_of(served.project))
        waiting = served.predict().json()
        label(served, prediction_id=served.predict().json()["prediction_id"])
        until(lambda: count(served) == 1, "the score")
        first = score(served)
    with serving(settings, slug, project) as served:
        until(lambda: served.version() is not None, "the model")
        until(lambda: score(served) == first, "the score")
        assert label(served, prediction_id=waiting["prediction_id"]).status_code == 202
        until(lambda: count(served) == 2, "the score")


def test_a_prediction_tells_the_shard_of_its_label(
    redis_url: str, broker: str, unique: Unique
) -> None:
    settings = local(redis_url, kafka_bootstrap=broker, shards=3)
    project = replace(fraud.PROJECT, topic=unique("sharded"))
    ensure_topics(project, settings)
    with serving(settings, unique("sharded"), project) as served:
        for shard in range(3):
            served.publish(learner_of(served.project, 30 + shard), shard)
        for user in ("ada", "bob", "eve", "joe"):
            for name in ("prediction_id", "event_id"):
                made = served.predict(user_id=user).json()
                answer = label(served, **{name: made[name]})
                assert answer.status_code == 202
                assert answer.json()["partition"] == shard_of(user.encode(), 3)


def test_a_project_without_labels_takes_none(redis_url: str, unique: Unique) -> None:
    with serving(local(redis_url), unique("unlabelled"), interactions.PROJECT) as served:
        answer = label(served, event_id="e")
    assert answer.status_code == 422
    assert "without labels" in answer.json()["detail"]


def test_predictions_are_answered_while_redis_is_away(
    servers: Any, part_env: dict[str, str], unique: Unique
) -> None:
    from scripts.local import parts
    from scripts.local.ports import free_port

    port = free_port()
    child = servers.start(parts.valkey(port, part_env))
    with serving(local(f"redis://127.0.0.1:{port}/0"), unique("away")) as served:
        served.publish(learner_of(served.project))
        kept = served.predict().json()
        servers.stop(child)
        answers = [served.predict() for _ in range(50)]
        assert {answer.status_code for answer in answers} == {200}
        answer = label(served, prediction_id=kept["prediction_id"])
        assert answer.status_code == 503
        assert "Redis" in answer.json()["detail"]
        assert served.get("/metrics").status_code == 200

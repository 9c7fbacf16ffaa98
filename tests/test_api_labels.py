from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from confluent_kafka import Consumer, Message, TopicPartition

from api import labels
from flows.projects import fraud
from flows.projects.spec import Label
from flows.sharding import shard_of
from scripts.topics import ensure_topics
from tests.api_parts import Served, local, serving

Unique = Callable[[str], str]
SHARDS = 3


@pytest.fixture(scope="module")
def served(redis_url: str, broker: str, unique: Unique) -> Iterator[Served]:
    settings = local(redis_url, kafka_bootstrap=broker, shards=SHARDS)
    project = replace(fraud.PROJECT, topic=unique("labelled"))
    ensure_topics(project, settings)
    with serving(settings, unique("fraud"), project) as served:
        yield served


def send(served: Served, **body: Any) -> Any:
    return served.client.post(f"{served.url}/labels", json=body)


def read(served: Served, answer: dict[str, Any]) -> Message:
    """Read the message that an answer speaks of."""
    consumer = Consumer({"bootstrap.servers": served.settings.kafka_bootstrap, "group.id": "test"})
    place = TopicPartition(answer["topic"], answer["partition"], answer["offset"])
    try:
        consumer.assign([place])
        message = consumer.poll(20)
    finally:
        consumer.close()
    assert message is not None
    assert message.error() is None
    return message


def test_label_arrives_in_kafka(served: Served) -> None:
    answer = send(served, event_id="e1", label=1, key="ada", timestamp="2026-01-02T03:04:05Z")
    assert answer.status_code == 202
    assert answer.json()["event_id"] == "e1"
    assert answer.json()["topic"] == served.project.labels_topic
    message = read(served, answer.json())
    time = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert msgspec.json.decode(message.value() or b"", type=Label) == Label("e1", 1, time)
    assert message.key() == b"ada"


@pytest.mark.parametrize("key", ["ada", "bob", "eve", "joe", "kim", "zoe"])
def test_label_goes_to_the_shard_of_its_key(served: Served, key: str) -> None:
    answer = send(served, event_id="e2", label=0, key=key)
    assert answer.json()["partition"] == shard_of(key.encode(), SHARDS)


def test_label_without_a_time_is_of_now(served: Served) -> None:
    answer = send(served, event_id="e3", label=0, key="ada").json()
    label = msgspec.json.decode(read(served, answer).value() or b"", type=Label)
    assert abs(label.timestamp - datetime.now(UTC)) < timedelta(minutes=1)


def test_label_without_a_key_is_a_422_with_several_shards(served: Served) -> None:
    answer = send(served, event_id="e4", label=1)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["location"] == "key"


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({"label": 1}, "event_id"),
        ({"event_id": "", "label": 1}, "event_id"),
        ({"event_id": "e"}, "label"),
        ({"event_id": "e", "label": 2}, "label"),
        ({"event_id": "e", "label": "fraud"}, "label"),
        ({"event_id": "e", "label": True}, "label"),
        ({"event_id": "e", "label": 1, "timestamp": "yesterday"}, "timestamp"),
        ({"event_id": "e", "label": 1, "timestamp": "2026-01-02T03:04:05"}, "timestamp"),
        ({"event_id": "e", "label": 1, "key": ""}, "key"),
    ],
)
def test_label_that_is_wrong_names_the_field(
    served: Served, body: dict[str, Any], location: str
) -> None:
    answer = send(served, **body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["location"] == location


def test_label_for_an_unknown_project_is_a_404(served: Served) -> None:
    answer = served.client.post("/projects/weather/labels", json={"event_id": "e", "label": 1})
    assert answer.status_code == 404


def test_label_without_a_key_is_keyed_by_its_event(
    redis_url: str, broker: str, unique: Unique
) -> None:
    settings = local(redis_url, kafka_bootstrap=broker)
    project = replace(fraud.PROJECT, topic=unique("labelled"))
    ensure_topics(project, settings)
    with serving(settings, unique("fraud"), project) as served:
        answer = send(served, event_id="e5", label=1)
        assert answer.status_code == 202
        assert read(served, answer.json()).key() == b"e5"


def test_label_without_a_broker_is_a_503(
    redis_url: str, unique: Unique, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels, "DELIVERY_SECONDS", 0.5)
    with serving(local(redis_url), unique("fraud")) as served:
        answer = send(served, event_id="e6", label=1)
    assert answer.status_code == 503
    assert answer.json()["title"] == "Kafka does not answer"
    assert "REALTIME_KAFKA_BOOTSTRAP" in answer.json()["detail"]


def test_label_that_kafka_cannot_be_told_of_is_a_503(redis_url: str, unique: Unique) -> None:
    settings = local(redis_url, kafka_options={"no.such.option": "1"})
    with serving(settings, unique("fraud")) as served:
        assert send(served, event_id="e7", label=1).status_code == 503

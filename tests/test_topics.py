"""Topics are made where missing, once, and never with other partitions than the shards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from confluent_kafka.admin import AdminClient

from flows.errors import BrokerError
from flows.projects import PROJECTS, fraud
from flows.projects.spec import Project
from flows.settings import Settings
from scripts import topics
from scripts.topics import ensure_topics, topic_names


@pytest.fixture
def project(unique: Callable[[str], str]) -> Project:
    return replace(fraud.PROJECT, topic=unique("topics"))


@pytest.fixture
def broker(any_broker: str) -> str:
    """Every test here runs with each broker."""
    return any_broker


@pytest.fixture
def local(broker: str) -> Settings:
    return Settings(_env_file=None, kafka_bootstrap=broker)


def partitions(broker: str) -> dict[str, int]:
    found = AdminClient({"bootstrap.servers": broker}).list_topics(timeout=10).topics
    return {name: len(topic.partitions) for name, topic in found.items()}


@pytest.mark.parametrize("shards", [1, 3])
def test_every_topic_has_a_partition_for_each_shard(
    project: Project, local: Settings, shards: int
) -> None:
    made = ensure_topics(project, local.model_copy(update={"shards": shards}))
    assert made == list(topic_names(project))
    found = partitions(local.kafka_bootstrap)
    assert [found[name] for name in made] == [shards] * 3


def test_second_time_makes_nothing(project: Project, local: Settings) -> None:
    ensure_topics(project, local)
    assert ensure_topics(project, local) == []


def test_topic_with_other_partitions_is_refused(project: Project, local: Settings) -> None:
    ensure_topics(project, local)
    sharded = local.model_copy(update={"shards": 2})
    with pytest.raises(BrokerError, match="has 1 partitions but REALTIME_SHARDS is 2"):
        ensure_topics(project, sharded)


def test_topics_grow_when_they_may(project: Project, apache_broker: str) -> None:
    """On Apache Kafka: the embedded broker cannot add partitions."""
    local = Settings(_env_file=None, kafka_bootstrap=apache_broker)
    ensure_topics(project, local)
    wide = local.model_copy(update={"shards": 3})
    assert ensure_topics(project, wide, grow=True) == []
    found = partitions(apache_broker)
    assert [found[name] for name in topic_names(project)] == [3] * 3
    assert ensure_topics(project, wide, grow=True) == []


def test_topics_never_shrink(project: Project, local: Settings) -> None:
    ensure_topics(project, local.model_copy(update={"shards": 3}))
    with pytest.raises(BrokerError, match="has 3 partitions but REALTIME_SHARDS is 1"):
        ensure_topics(project, local, grow=True)


def test_broker_that_makes_no_topics_is_an_error(
    project: Project, local: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """librdkafka's built-in broker lists topics but cannot create them."""
    monkeypatch.setattr(topics, "TIMEOUT_SECONDS", 1.0)
    limited = local.model_copy(update={"kafka_options": {"test.mock.num.brokers": "1"}})
    with pytest.raises(BrokerError, match=f"cannot make topic {project.topic}.*by hand"):
        ensure_topics(project, limited)


def test_command_tells_what_was_made(
    project: Project,
    broker: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setitem(PROJECTS, "fraud", project)
    monkeypatch.setenv("REALTIME_KAFKA_BOOTSTRAP", broker)
    caplog.set_level("INFO")
    assert topics.main(["fraud"]) == 0
    assert f"{project.dead_letters_topic} made" in caplog.text
    assert topics.main(["fraud"]) == 0
    assert f"{project.dead_letters_topic} was there" in caplog.text


def test_command_without_broker_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(topics, "TIMEOUT_SECONDS", 0.5)
    monkeypatch.setenv("REALTIME_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    assert topics.main(["fraud"]) == 1
    assert "no Kafka at 127.0.0.1:1" in caplog.text

"""Whole flows on Apache Kafka whose positions, partitions or recovery directory are gone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from flows.projects import fraud
from flows.settings import Settings
from flows.sharding import shard_of
from scripts.local import parts
from scripts.local.ports import free_port
from scripts.topics import ensure_topics, topic_names
from tests.conftest import Servers
from tests.flow_process import FlowProcess, fraud_records, live, rows, seen, send, until

PROJECT = fraud.PROJECT


@dataclass
class Place:
    """Topics of fraud on Apache Kafka, with all else that its flow needs."""

    settings: Settings
    recovery: Path
    admin: AdminClient

    def run(self, expected: int, shards: int = 1, **others: object) -> str:
        """Run a flow until it has taken in so many events in all; returns what it printed."""
        settings = self.settings.model_copy(update={"shards": shards, **others})
        store = live(settings)
        with FlowProcess(settings, self.recovery) as flow:
            flow.until(lambda: sum(seen(store, shard) for shard in range(shards)) >= expected)
            assert flow.stop() == 0, flow.output()
        return flow.output()

    def refuse(self) -> str:
        """Run a flow that ends by itself; returns what it printed."""
        with FlowProcess(self.settings, self.recovery) as flow:
            assert flow.wait() == 1, flow.output()
        return flow.output()

    def offsets(self, partition: int = 0) -> list[int]:
        frame = rows(self.settings, PROJECT.topic)
        found = frame.filter(frame["kafka_partition"] == partition)["kafka_offset"]
        return [int(offset) for offset in found]

    def forget(self, before: int) -> None:
        """What retention does, at once."""
        partition = TopicPartition(PROJECT.topic, 0, before)
        self.admin.delete_records([partition])[partition].result()

    def widen(self) -> None:
        for topic in topic_names(PROJECT):
            self.admin.create_partitions([NewPartitions(topic, 2)])[topic].result()

    def clear(self) -> None:
        """Delete fraud's topics, for the next test."""
        names = list(topic_names(PROJECT))
        for deleted in self.admin.delete_topics(names).values():
            deleted.result()
        until(lambda: not set(names) & set(self.admin.list_topics(timeout=10).topics))


@pytest.fixture(scope="module")
def tracking(
    servers: Servers, part_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> str:
    """An MLflow whose only fraud models are those of this module."""
    port = free_port()
    servers.start(parts.mlflow(port, tmp_path_factory.mktemp("tracking"), part_env))
    return f"http://127.0.0.1:{port}"


@pytest.fixture
def place(
    apache_broker: str, servers: Servers, part_env: dict[str, str], tracking: str, tmp_path: Path
) -> Iterator[Place]:
    port = free_port()
    redis = servers.start(parts.valkey(port, part_env))
    settings = Settings(
        _env_file=None,
        kafka_bootstrap=apache_broker,
        redis_url=f"redis://127.0.0.1:{port}/0",
        mlflow_uri=tracking,
        lake_uri=str(tmp_path / "lake"),
        signing_key="a key for flows",
        start_from="earliest",
        publish_seconds=0.1,
    )
    admin = AdminClient({"bootstrap.servers": apache_broker})
    ensure_topics(PROJECT, settings)
    found = Place(settings, tmp_path / "recovery", admin)
    yield found
    found.clear()
    servers.stop(redis)


def test_events_that_retention_took_unread_end_the_flow(place: Place) -> None:
    send(place.settings, PROJECT.topic, fraud_records(100))
    place.run(100)
    send(place.settings, PROJECT.topic, fraud_records(100, seed=1))
    place.forget(before=150)
    told = place.refuse()
    assert f"offset 100 of {PROJECT.topic}/0 is not in Kafka any more" in told
    assert "nothing was skipped" in told
    assert "REALTIME_START_FROM=champion" in told
    assert place.offsets() == list(range(100))


def test_without_its_recovery_directory_it_goes_on_from_the_champion(place: Place) -> None:
    send(place.settings, PROJECT.topic, fraud_records(100))
    place.run(100)
    shutil.rmtree(place.recovery)
    send(place.settings, PROJECT.topic, fraud_records(100, seed=1))
    place.forget(before=150)
    told = place.run(150, start_from="champion")
    assert f"no position of {PROJECT.topic}/0 to resume from" in told
    assert "going on from the champion" in told
    assert "50 messages will never be learnt" in told
    assert place.offsets() == [*range(100), *range(150, 200)]


def test_added_partitions_are_noticed_and_read_from_their_start(place: Place) -> None:
    records = fraud_records(200)
    send(place.settings, PROJECT.topic, records[:100])
    with FlowProcess(place.settings, place.recovery) as flow:
        flow.until(lambda: seen(live(place.settings)) == 100)
        place.widen()
        assert flow.wait() == 0, flow.output()
    assert "2 partitions now: ending in order" in flow.output()
    assert "REALTIME_SHARDS=2" in place.refuse()
    two = place.settings.model_copy(update={"shards": 2})
    send(two, PROJECT.topic, records[100:])
    new = [shard_of(record.key or b"", 2) for record in records[100:]]
    place.run(200, shards=2, start_from="latest")
    assert place.offsets(0) == list(range(100 + new.count(0)))
    assert place.offsets(1) == list(range(new.count(1)))


def test_a_topic_made_anew_with_fewer_partitions_ends_the_flow(place: Place) -> None:
    place.widen()
    send(place.settings, PROJECT.topic, fraud_records(50))
    place.run(50, shards=2)
    place.clear()
    ensure_topics(PROJECT, place.settings)
    told = place.refuse()
    gone = f"{PROJECT.topic}/0001, {PROJECT.labels_topic}/0001"
    assert f"knows {gone}, which Kafka does not have any more" in told
    assert "REALTIME_START_FROM=champion" in told

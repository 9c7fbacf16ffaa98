"""Reading a real broker: everything, in order, from where it was left, or a clear error."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END
from confluent_kafka.admin import AdminClient

from flows.errors import BrokerError, OffsetError
from flows.projects.spec import Project
from flows.settings import Settings
from flows.streaming.cluster import identities
from flows.streaming.kafka_source import KafkaPartition, KafkaSource, Position
from flows.streaming.messages import Message, Source
from scripts.kafka import Record
from scripts.local.ports import free_port
from scripts.topics import ensure_topics
from tests.examples import VISITS
from tests.flow_process import send, until


@pytest.fixture
def settings(any_broker: str) -> Settings:
    return Settings(_env_file=None, kafka_bootstrap=any_broker)


@pytest.fixture
def project(settings: Settings, unique: Callable[[str], str]) -> Project:
    """Topics of this test's own."""
    own = replace(VISITS, topic=unique("read"))
    ensure_topics(own, settings)
    return own


@dataclass
class Reading:
    """A source, and partitions of it that are closed when the test ends."""

    settings: Settings
    topics: list[str]
    first: int = OFFSET_BEGINNING
    paused: bool = False
    stop: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[Source, str]] = field(default_factory=list)
    opened: list[KafkaPartition] = field(default_factory=list)

    @property
    def source(self) -> KafkaSource:
        return KafkaSource(self.settings, self.topics, self._first, self.stop, lambda: self.paused)

    def open(self, position: Position | None = None, part: str = "") -> KafkaPartition:
        found = self.source.build_part("kafka", part or f"{self.topics[0]}/0000", position)
        self.opened.append(found)
        return found

    def _first(self, source: Source, identity: str) -> int:
        self.asked.append((source, identity))
        return self.first


@pytest.fixture
def reading(settings: Settings, project: Project) -> Iterator[Reading]:
    found = Reading(settings, [project.topic])
    yield found
    for partition in found.opened:
        partition.close()


def numbered(start: int, end: int) -> list[Record]:
    return [Record(b"%d" % i, b"value %d" % i) for i in range(start, end)]


def take(partition: KafkaPartition, count: int) -> list[Message]:
    """Poll until so many messages have come; fails when there are more."""
    found: list[Message] = []

    def poll() -> bool:
        for _, polled in partition.next_batch():
            found.extend(polled.messages)
        return len(found) >= count

    until(poll)
    assert len(found) == count
    return found


def test_every_message_is_read_once_and_in_order(reading: Reading) -> None:
    send(reading.settings, reading.topics[0], numbered(0, 2_500))
    messages = take(reading.open(), 2_500)
    assert [one.offset for one in messages] == list(range(2_500))
    assert [one.value for one in messages] == [one.value for one in numbered(0, 2_500)]
    assert [one.key for one in messages] == [one.key for one in numbered(0, 2_500)]


def test_time_is_that_of_the_message_in_seconds(reading: Reading) -> None:
    send(reading.settings, reading.topics[0], [Record(b"", b"", time_ms=1_700_000_000_123)])
    (message,) = take(reading.open(), 1)
    assert message.time == 1_700_000_000.123


def test_a_tombstone_has_no_value(reading: Reading) -> None:
    nothing: Any = None
    send(reading.settings, reading.topics[0], [Record(None, nothing)])
    (message,) = take(reading.open(), 1)
    assert (message.key, message.value) == (None, None)


def test_it_goes_on_at_its_position(reading: Reading) -> None:
    topic = reading.topics[0]
    send(reading.settings, topic, numbered(0, 30))
    first = reading.open()
    take(first, 30)
    position = first.snapshot()
    send(reading.settings, topic, numbered(30, 40))
    second = reading.open(position)
    assert [one.offset for one in take(second, 10)] == list(range(30, 40))
    assert len(reading.asked) == 1


def test_the_position_before_the_first_poll_is_the_start(reading: Reading) -> None:
    send(reading.settings, reading.topics[0], numbered(0, 3))
    assert len(take(reading.open(reading.open().snapshot()), 3)) == 3


def test_the_position_names_cluster_and_topic(reading: Reading) -> None:
    identity, offset, _ = reading.open().snapshot()
    assert offset == 0
    assert identity.startswith("test-cluster/")
    assert identity == identities(reading.settings, reading.topics)[reading.topics[0]]
    assert reading.asked == [(Source(reading.topics[0], 0), identity)]


def test_the_end_is_made_a_number_at_once(reading: Reading) -> None:
    """Else what comes while a flow is down before its first message would be skipped."""
    topic = reading.topics[0]
    send(reading.settings, topic, [Record(b"", b"before")])
    reading.first = OFFSET_END
    position = reading.open().snapshot()
    assert position[1] == 1
    send(reading.settings, topic, [Record(b"", b"while down")])
    assert [one.value for one in take(reading.open(position), 1)] == [b"while down"]


def test_a_given_offset_is_where_it_begins(reading: Reading) -> None:
    send(reading.settings, reading.topics[0], numbered(0, 10))
    reading.first = 7
    assert [one.offset for one in take(reading.open(), 3)] == [7, 8, 9]


@pytest.mark.parametrize(
    "known", ["another-cluster/topic", "test-cluster/another-topic"], ids=["cluster", "topic"]
)
def test_a_position_of_another_log_is_refused(reading: Reading, known: str) -> None:
    with pytest.raises(OffsetError) as caught:
        reading.open((known, 5, 0))
    message = str(caught.value)
    assert known in message
    assert reading.topics[0] in message
    assert "empty recovery directory" in message


def test_a_topic_made_anew_is_another_log(reading: Reading, project: Project) -> None:
    topic = reading.topics[0]
    send(reading.settings, topic, numbered(0, 5))
    partition = reading.open()
    take(partition, 5)
    position = partition.snapshot()
    partition.close()  # librdkafka 2.16 dies when a topic vanishes that it reads
    admin = AdminClient({"bootstrap.servers": reading.settings.kafka_bootstrap})
    admin.delete_topics([topic])[topic].result()
    until(lambda: topic in ensure_topics(project, reading.settings))
    with pytest.raises(OffsetError, match="offsets do not carry over"):
        reading.open(position)


def test_all_partitions_of_all_topics_are_listed(settings: Settings, project: Project) -> None:
    shards = settings.model_copy(update={"shards": 3})
    wide = replace(project, topic=f"{project.topic}-wide")
    ensure_topics(wide, shards)
    topics = [wide.topic, wide.labels_topic]
    expected = [f"{topic}/{number:04d}" for topic in topics for number in range(3)]
    assert Reading(shards, topics).source.list_parts() == expected


@pytest.mark.parametrize("shards", [1, 2])
def test_topics_have_a_partition_for_each_shard(
    settings: Settings, project: Project, shards: int
) -> None:
    """Else a label could never meet its event, or a shard had no learner."""
    told = settings.model_copy(update={"shards": shards})
    ensure_topics(replace(project, topic=f"{project.topic}-{shards}"), told)
    topics = [f"{project.topic}-{shards}", f"{project.topic}-{shards}_labels"]
    assert len(Reading(told, topics).source.list_parts()) == 2 * shards
    wrong = settings.model_copy(update={"shards": 3 - shards})
    with pytest.raises(BrokerError, match=f"REALTIME_SHARDS={shards}"):
        Reading(wrong, topics).source.list_parts()


def test_one_shard_reads_its_own_partition_of_each_topic(
    settings: Settings, project: Project
) -> None:
    third = settings.model_copy(update={"shards": 3, "shard": 2})
    wide = replace(project, topic=f"{project.topic}-third")
    ensure_topics(wide, third)
    parts = Reading(third, list(wide.topics)).source.list_parts()
    assert parts == [f"{wide.topic}/0002", f"{wide.labels_topic}/0002"]


def test_state_of_another_shard_is_refused(settings: Settings, project: Project) -> None:
    second = settings.model_copy(update={"shards": 2, "shard": 1})
    wide = replace(project, topic=f"{project.topic}-second")
    ensure_topics(wide, second)
    known = frozenset({f"{wide.topic}/0000", f"{wide.topic}/0001"})
    source = KafkaSource(
        second, [wide.topic], lambda *_: 0, threading.Event(), lambda: False, known
    )
    with pytest.raises(OffsetError, match=r"knows \S+/0000, which REALTIME_SHARD=1 does not read"):
        source.list_parts()


def test_items_are_keyed_by_their_partition(settings: Settings, project: Project) -> None:
    shards = settings.model_copy(update={"shards": 2})
    wide = replace(project, topic=f"{project.topic}-two")
    ensure_topics(wide, shards)
    send(shards, wide.topic, numbered(0, 100))
    reading = Reading(shards, [wide.topic])
    for number in (0, 1):
        partition = reading.open(part=f"{wide.topic}/{number:04d}")
        items = until(lambda at=partition: [i for i in at.next_batch() if i[1].messages])  # type: ignore[misc]
        assert {key for key, _ in items} == {str(number)}
        assert items[0][1].source == Source(wide.topic, number)
        partition.close()


def test_a_missing_topic_is_named(settings: Settings, project: Project) -> None:
    source = Reading(settings, [project.topic, "nobody-made-this"]).source
    with pytest.raises(BrokerError, match=r"no topic nobody-made-this.*scripts\.topics"):
        source.list_parts()
    with pytest.raises(BrokerError, match="no topic nobody-made-this"):
        source.list_parts()  # asking must not have made it


def test_an_unreachable_broker_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.streaming.cluster.ANSWER_SECONDS", 1.0)
    nowhere = f"127.0.0.1:{free_port()}"
    source = Reading(Settings(_env_file=None, kafka_bootstrap=nowhere), ["any"]).source
    with pytest.raises(BrokerError) as caught:
        source.list_parts()
    assert nowhere in str(caught.value)
    assert "REALTIME_KAFKA_BOOTSTRAP" in str(caught.value)


def test_a_paused_source_reads_nothing_and_loses_nothing(reading: Reading) -> None:
    send(reading.settings, reading.topics[0], numbered(0, 10))
    reading.paused = True
    partition = reading.open()
    quiet = until(partition.next_batch)
    assert [polled.messages for _, polled in quiet] == [[]]
    assert partition.snapshot()[1] == 0
    reading.paused = False
    assert len(take(partition, 10)) == 10


def test_a_quiet_source_tells_that_it_is_alive(reading: Reading) -> None:
    partition = reading.open()
    ((key, polled),) = until(partition.next_batch)
    assert (key, polled.messages, polled.source) == ("0", [], Source(reading.topics[0], 0))


def test_a_stop_ends_the_input(reading: Reading) -> None:
    send(reading.settings, reading.topics[0], numbered(0, 10))
    partition = reading.open()
    reading.stop.set()
    with pytest.raises(StopIteration):
        partition.next_batch()
    assert partition.snapshot()[1] == 0


def test_lag_is_what_is_left_to_read(reading: Reading) -> None:
    send(reading.settings, reading.topics[0], numbered(0, 10))
    partition = reading.open()
    take(partition, 10)
    ((_, polled),) = until(partition.next_batch)
    assert polled.lag == 0


def test_options_reach_the_client(settings: Settings, project: Project) -> None:
    options = settings.model_copy(update={"kafka_options": {"security.protocol": "nonsense"}})
    with pytest.raises(Exception, match=r"security\.protocol"):
        Reading(options, [project.topic]).source.list_parts()

"""Positions that Kafka cannot honour end in a clear error, and never in a silent jump."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property

import pytest
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from flows.errors import BrokerError, OffsetError
from flows.settings import Settings
from flows.streaming.kafka_source import KafkaPartition, KafkaSource, Position
from flows.streaming.messages import Source
from flows.streaming.topic_watch import TopicWatch
from scripts.kafka import Record
from scripts.local import parts
from scripts.local.ports import free_port
from scripts.topics import ensure_topics
from tests.conftest import Servers
from tests.examples import VISITS
from tests.flow_process import send, until

WAYS_OUT = ("REALTIME_START_FROM=champion", "earliest", "latest", "empty recovery directory")


@dataclass
class Log:
    """A topic of a test's own, and the source that reads it."""

    settings: Settings
    topic: str
    first: int = OFFSET_BEGINNING
    known: frozenset[str] = frozenset()
    stop: threading.Event = field(default_factory=threading.Event)

    @cached_property
    def admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.settings.kafka_bootstrap})

    @property
    def source(self) -> KafkaSource:
        return KafkaSource(
            self.settings, [self.topic], self._first, self.stop, lambda: False, self.known
        )

    @contextmanager
    def reading(self, position: Position | None = None, partition: int = 0) -> Iterator[Reader]:
        part = f"{self.topic}/{partition:04d}"
        with closing(self.source.build_part("kafka", part, position)) as found:
            yield Reader(found)

    def send(self, count: int) -> None:
        send(self.settings, self.topic, [Record(b"%d" % i, b"%d" % i) for i in range(count)])

    def forget(self, before: int) -> None:
        """What retention does, at once."""
        partition = TopicPartition(self.topic, 0, before)
        self.admin.delete_records([partition])[partition].result()

    def make_anew(self) -> None:
        self.admin.delete_topics([self.topic])[self.topic].result()
        own = replace(VISITS, topic=self.topic)
        until(lambda: self.topic in ensure_topics(own, self.settings))

    def add_partition(self, total: int) -> None:
        self.admin.create_partitions([NewPartitions(self.topic, total)])[self.topic].result()

    def _first(self, _source: Source, _identity: str) -> int:
        return self.first


@dataclass
class Reader:
    partition: KafkaPartition

    def take(self, count: int) -> list[int]:
        """The offsets of so many messages."""
        found: list[int] = []

        def poll() -> bool:
            for _, polled in self.partition.next_batch():
                found.extend(message.offset for message in polled.messages)
            return len(found) >= count

        until(poll)
        return found

    def position(self) -> Position:
        return self.partition.snapshot()


def make_log(broker: str, topic: str) -> Log:
    settings = Settings(_env_file=None, kafka_bootstrap=broker)
    ensure_topics(replace(VISITS, topic=topic), settings)
    return Log(settings, topic)


@pytest.fixture
def log(any_broker: str, unique: Callable[[str], str]) -> Log:
    return make_log(any_broker, unique("positions"))


@pytest.fixture
def apache_log(apache_broker: str, unique: Callable[[str], str]) -> Log:
    """What guards against the loss of messages cannot be tried on the embedded broker."""
    return make_log(apache_broker, unique("positions"))


def assert_names_ways_out(error: BaseException) -> None:
    for way in WAYS_OUT:
        assert way in str(error)


def test_an_offset_that_retention_took_is_an_error(apache_log: Log) -> None:
    apache_log.send(100)
    with apache_log.reading() as reader:
        reader.take(100)
        identity, *_ = reader.position()
    apache_log.forget(before=60)
    with apache_log.reading((identity, 40, 0)) as reader:
        with pytest.raises(OffsetError, match=f"offset 40 of {apache_log.topic}/0") as caught:
            reader.take(1)
        assert_names_ways_out(caught.value)
        assert reader.position() == (identity, 40, 0)


def test_retention_before_the_position_is_no_error(apache_log: Log) -> None:
    apache_log.send(100)
    with apache_log.reading() as reader:
        identity, *_ = reader.position()
    apache_log.forget(before=40)
    with apache_log.reading((identity, 40, 0)) as reader:
        assert reader.take(60) == list(range(40, 100))


def test_an_offset_beyond_the_end_is_an_error(apache_log: Log) -> None:
    apache_log.send(10)
    with apache_log.reading() as reader:
        identity, *_ = reader.position()
    with (
        apache_log.reading((identity, 11, 0)) as reader,
        pytest.raises(OffsetError, match="offset 11"),
    ):
        reader.take(1)


def test_a_champion_whose_offset_is_gone_begins_at_the_oldest(
    apache_log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    apache_log.send(100)
    apache_log.forget(before=60)
    apache_log.first = 40
    with apache_log.reading() as reader:
        assert reader.take(40) == list(range(60, 100))
    assert "offset 40" in caplog.text
    assert "20 messages will never be learnt" in caplog.text


def test_no_position_is_told_of_a_topic_made_anew_meanwhile(log: Log) -> None:
    """Kafka's client may go on at the old offset of the new topic, and says nothing."""
    with log.reading() as reader:
        identity, *_ = reader.position()
    watch = TopicWatch(log.settings, [log.topic], log.stop)
    source = Source(log.topic, 0)
    watch.confirm(source, identity, time.monotonic())
    log.make_anew()
    with pytest.raises(OffsetError, match="made anew while it was read") as caught:
        watch.confirm(source, identity, time.monotonic())
    assert_names_ways_out(caught.value)


def test_a_topic_made_anew_while_it_is_read_ends_the_flow(apache_log: Log) -> None:
    """With the embedded broker librdkafka 2.16 crashes in this case."""
    apache_log.send(50)
    with apache_log.reading() as reader:
        reader.take(50)
        before = reader.position()
        apache_log.make_anew()
        apache_log.send(60)
        with pytest.raises(OffsetError) as caught:
            until(lambda: poll_and_snapshot(reader) and reader.position() != before)
    assert_names_ways_out(caught.value)


def test_a_topic_that_is_as_it_was_goes_on(log: Log) -> None:
    with log.reading() as reader:
        for count in (3, 6, 9):
            log.send(3)
            reader.take(3)
            assert reader.position()[1] == count
    assert not log.stop.is_set()


def test_a_broker_that_is_gone_does_not_end_the_flow(
    servers: Servers,
    part_env: dict[str, str],
    unique: Callable[[str], str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    port = free_port()
    broker = servers.start(parts.broker(port, "short-lived", part_env))
    log = make_log(f"127.0.0.1:{port}", unique("positions"))
    log.send(3)
    with log.reading() as reader:
        reader.take(3)
        servers.stop(broker)
        reader.partition.next_batch()
        assert reader.position()[1] == 3
    assert "does not describe" in caplog.text


def test_partitions_added_meanwhile_end_the_input_in_order(
    apache_log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    apache_log.send(10)
    with apache_log.reading() as reader:
        reader.take(10)
        reader.position()
        apache_log.add_partition(2)
        until(lambda: poll_and_snapshot(reader) and apache_log.stop.is_set())
        with pytest.raises(StopIteration):
            reader.partition.next_batch()
        assert reader.position()[1] == 10
    assert "has 2 partitions now" in caplog.text
    assert "REALTIME_SHARDS=2" in caplog.text


def poll_and_snapshot(reader: Reader) -> bool:
    try:
        reader.partition.next_batch()
    except StopIteration:
        return True
    reader.position()
    return True


def test_added_partitions_are_read_from_their_start(apache_log: Log) -> None:
    apache_log.add_partition(2)
    apache_log.settings = apache_log.settings.model_copy(update={"shards": 2})
    until(lambda: partitions_of(apache_log) == 2)
    assert apache_log.source.list_parts() == [f"{apache_log.topic}/{i:04d}" for i in (0, 1)]
    apache_log.send(100)
    apache_log.first, apache_log.known = OFFSET_END, frozenset({f"{apache_log.topic}/0000"})
    with apache_log.reading(partition=1) as reader:
        assert reader.take(1)[0] == 0


def partitions_of(log: Log) -> int:
    return len(log.admin.list_topics(timeout=10).topics[log.topic].partitions)


def test_the_end_is_where_a_new_flow_begins_when_asked_to(log: Log) -> None:
    log.send(10)
    log.first = OFFSET_END
    with log.reading() as reader:
        position = reader.position()
    log.send(5)
    with log.reading(position) as reader:
        assert reader.take(5)[-1] == 14


@pytest.mark.parametrize("shards", [1, 3])
def test_other_partitions_than_shards_are_refused(log: Log, shards: int) -> None:
    topic = f"{log.topic}-wide"
    two = log.settings.model_copy(update={"shards": 2})
    ensure_topics(replace(VISITS, topic=topic), two)
    wide = Log(log.settings.model_copy(update={"shards": shards}), topic)
    with pytest.raises(BrokerError, match=f"REALTIME_SHARDS is {shards}.*set REALTIME_SHARDS=2"):
        wide.source.list_parts()


def test_topics_with_unequal_partitions_are_named(log: Log) -> None:
    topic = f"{log.topic}-more"
    two = log.settings.model_copy(update={"shards": 2})
    ensure_topics(replace(VISITS, topic=topic), two)
    source = KafkaSource(two, [topic, log.topic], lambda *_: 0, log.stop, lambda: False)
    with pytest.raises(BrokerError) as caught:
        source.list_parts()
    assert f"{topic} has 2, {log.topic} has 1" in str(caught.value)
    assert f"add partitions to {log.topic} until there are 2" in str(caught.value)


def test_a_partition_that_was_known_and_is_gone_is_named(log: Log) -> None:
    log.known = frozenset({f"{log.topic}/0000", f"{log.topic}/0001"})
    with pytest.raises(
        OffsetError, match=f"knows {log.topic}/0001, which Kafka does not"
    ) as caught:
        log.source.list_parts()
    assert_names_ways_out(caught.value)

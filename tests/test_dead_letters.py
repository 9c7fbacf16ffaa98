"""Dead letters on a real broker: the message as it was, why it is one, and where it came from."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka import Message as KafkaMessage

from flows.errors import BrokerError
from flows.projects import fraud
from flows.projects.spec import Project
from flows.settings import Settings
from flows.streaming.dead_letter_sink import DeadLetterPartition, DeadLetterSink, Position
from flows.streaming.messages import Decoded, Message, Rejected, Source
from scripts.local import parts
from scripts.local.ports import free_port
from scripts.topics import ensure_topics
from tests.conftest import Servers
from tests.flow_process import read_topic


@pytest.fixture
def settings(broker: str) -> Settings:
    return Settings(_env_file=None, kafka_bootstrap=broker)


@pytest.fixture
def project(settings: Settings, unique: Callable[[str], str]) -> Project:
    own = replace(fraud.PROJECT, topic=unique("letters"))
    ensure_topics(own, settings)
    return own


def sink(
    settings: Settings, project: Project, position: Position = None, part: str = "0000"
) -> DeadLetterPartition:
    letters = DeadLetterSink(settings, project.dead_letters_topic)
    return letters.build_part("dead_letters", part, position)


def rejected(
    *messages: Message, topic: str = "events", detail: str = "Why not", identity: str = "cluster/id"
) -> Decoded:
    letters = [Rejected(one, "invalid", detail) for one in messages]
    return Decoded(Source(topic, 3), identity, [], letters, None)


def numbered(start: int, end: int) -> list[Message]:
    return [Message(i, 1.0, b"key", b"%d" % i) for i in range(start, end)]


def headers(letter: KafkaMessage) -> dict[str, str]:
    found: Any = letter.headers()
    return {name: value.decode() for name, value in found}


def test_a_letter_is_the_message_with_its_origin(settings: Settings, project: Project) -> None:
    letters = sink(settings, project)
    letters.write_batch([rejected(Message(42, 1.0, b"key", b"\xff\x00value"), detail="ümlaut")])
    letters.snapshot()
    (letter,) = read_topic(settings, project.dead_letters_topic, 1)
    assert (letter.key(), letter.value()) == (b"key", b"\xff\x00value")
    assert headers(letter) == {
        "__realtime.errors.exception": "invalid",
        "__realtime.errors.message": "ümlaut",
        "__realtime.errors.identity": "cluster/id",
        "__realtime.errors.topic": "events",
        "__realtime.errors.partition": "3",
        "__realtime.errors.offset": "42",
        "__realtime.errors.timestamp": "1000",
    }


def test_a_letter_without_key_or_value_stays_so(settings: Settings, project: Project) -> None:
    letters = sink(settings, project)
    letters.write_batch([rejected(Message(0, 1.0, None, None))])
    letters.snapshot()
    (letter,) = read_topic(settings, project.dead_letters_topic, 1)
    assert letter.key() is None
    assert not letter.value()


def test_many_letters_keep_their_order(settings: Settings, project: Project) -> None:
    letters = sink(settings, project)
    messages = [Message(i, 1.0, None, b"%d" % i) for i in range(3_000)]
    letters.write_batch([rejected(*messages[:1_000]), rejected(*messages[1_000:])])
    letters.snapshot()
    found = read_topic(settings, project.dead_letters_topic, 3_000)
    assert [one.value() for one in found] == [one.value for one in messages]


def test_without_letters_nothing_is_sent(settings: Settings, project: Project) -> None:
    letters = sink(settings, project)
    letters.write_batch([Decoded(Source("events", 0), "", [], [], None)])
    letters.snapshot()
    letters.write_batch([rejected(Message(1, 1.0, None, b"only"))])
    letters.snapshot()
    (letter,) = read_topic(settings, project.dead_letters_topic, 1)
    assert letter.value() == b"only"


@pytest.mark.parametrize("size", [900_000, 1_000_000, 1_048_000])
def test_a_letter_as_large_as_a_message_can_be_does_not_end_the_flow(
    settings: Settings, project: Project, size: int
) -> None:
    """Headers come on top: what does not fit then is left out, and its size told."""
    letters = sink(settings, project)
    letters.write_batch([rejected(Message(0, 1.0, b"key", b"x" * size))])
    letters.snapshot()
    (letter,) = read_topic(settings, project.dead_letters_topic, 1)
    omitted = headers(letter).get("__realtime.errors.omitted")
    assert len(letter.value() or b"") == (size if omitted is None else 0)
    assert omitted in (None, str(size))
    assert omitted is None or size >= 1_000_000


def test_a_long_reason_is_cut(settings: Settings, project: Project) -> None:
    letters = sink(settings, project)
    letters.write_batch([rejected(*numbered(0, 1), detail="x" * 2_000_000)])
    letters.snapshot()
    (letter,) = read_topic(settings, project.dead_letters_topic, 1)
    assert letter.value() == b"0"


def test_however_often_it_crashes_every_letter_is_there_once(
    settings: Settings, project: Project
) -> None:
    """What was sent after the last snapshot that was kept is sent again, and left out."""
    position: Position = None
    for start, reached, kept in ((0, 5, False), (0, 8, True), (8, 12, False), (8, 20, True)):
        letters = sink(settings, project, position)
        letters.write_batch([rejected(*numbered(start, reached))])
        snapshot = letters.snapshot()
        position = snapshot if kept else position
    last = sink(settings, project, position)
    last.write_batch([rejected(Message(99, 1.0, None, b"last"))])
    last.snapshot()
    found = read_topic(settings, project.dead_letters_topic, 21)
    assert [one.value() for one in found] == [*(b"%d" % i for i in range(20)), b"last"]


def test_letters_of_two_logs_with_the_same_offset_are_two(
    settings: Settings, project: Project
) -> None:
    letters = sink(settings, project)
    letters.write_batch([rejected(*numbered(0, 1))])
    letters.snapshot()
    again = sink(settings, project)
    again.write_batch([rejected(*numbered(0, 1), identity="another/log")])
    again.write_batch([rejected(*numbered(0, 1), topic="labels")])
    again.snapshot()
    assert len(read_topic(settings, project.dead_letters_topic, 3)) == 3


def test_shards_write_to_partitions_of_their_own(
    settings: Settings, unique: Callable[[str], str]
) -> None:
    two = settings.model_copy(update={"shards": 2})
    project = replace(fraud.PROJECT, topic=unique("two"))
    ensure_topics(project, two)
    for shard in (0, 1):
        letters = sink(two, project, part=f"{shard:04d}")
        letters.write_batch([rejected(Message(0, 1.0, b"same key", b"%d" % shard))])
        letters.snapshot()
    for shard in (0, 1):
        (letter,) = read_topic(two, project.dead_letters_topic, 1, partition=shard)
        assert letter.value() == b"%d" % shard


def test_without_its_topic_it_says_so(settings: Settings, unique: Callable[[str], str]) -> None:
    letters = sink(settings, replace(fraud.PROJECT, topic=unique("nobody-made-this")))
    with pytest.raises(BrokerError, match="nobody-made-this"):
        letters.write_batch([rejected(*numbered(0, 1))])


def test_while_the_broker_is_away_the_epoch_does_not_close(
    servers: Servers, part_env: dict[str, str]
) -> None:
    port, stop = free_port(), threading.Event()
    broker = servers.start(parts.broker(port, "short-lived", part_env))
    settings = Settings(
        _env_file=None, kafka_bootstrap=f"127.0.0.1:{port}", kafka_options={"log_level": "0"}
    )
    ensure_topics(fraud.PROJECT, settings)
    letters = DeadLetterPartition(settings, fraud.PROJECT.dead_letters_topic, 0, None, stop)
    letters.write_batch([rejected(*numbered(0, 1))])
    letters.snapshot()
    servers.stop(broker)
    letters.write_batch([rejected(*numbered(1, 2))])
    telling = threading.Timer(2.0, stop.set)
    telling.start()
    with pytest.raises(BrokerError, match=fraud.PROJECT.dead_letters_topic):
        letters.snapshot()
    assert stop.is_set()


def test_one_partition_for_each_shard(settings: Settings) -> None:
    letters = DeadLetterSink(settings.model_copy(update={"shards": 3}), "letters")
    assert letters.list_parts() == ["0000", "0001", "0002"]
    assert [letters.part_fn(key) for key in ("0", "1", "2")] == [0, 1, 2]

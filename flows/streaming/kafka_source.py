"""Kafka partitions as Bytewax partitions: one list of messages per poll, no silent jumps.

Positions are offsets together with the cluster and topic they belong to. An offset that the log no
longer holds ends the flow with a message; it is never replaced by another one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka import Message as KafkaMessage

from flows.errors import BrokerError, OffsetError
from flows.settings import Settings
from flows.streaming.cluster import identities, partition_counts
from flows.streaming.guard import guarded
from flows.streaming.messages import Message, Polled, Source

POLL_MESSAGES = 1_000
IDLE_WAIT = timedelta(milliseconds=20)
QUIET_TICK = timedelta(seconds=1)
ANSWER_SECONDS = 10.0
LATEST_TIME = datetime(9998, 1, 1, tzinfo=UTC).timestamp()

_log = logging.getLogger("flows")

Item = tuple[str, Polled]


# Identity of cluster and topic, and the next offset to read: plain values, because Bytewax pickles
# them into the recovery store, where a class would be bound to its module.
Position = tuple[str, int]

FirstPosition = Callable[[Source, str], int]


class KafkaSource(FixedPartitionedSource[Item, Position]):
    """Reads all partitions of some topics; can support exactly-once processing.

    `first` is asked for the offset of a partition that has no position yet, and may answer with
    OFFSET_BEGINNING or OFFSET_END. Items are keyed by partition number. Raises BrokerError when
    Kafka does not answer within 10 s or a topic is missing.
    """

    def __init__(
        self,
        settings: Settings,
        topics: list[str],
        first: FirstPosition,
        stop: threading.Event,
        paused: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._topics = topics
        self._first = first
        self._stop = stop
        self._paused = paused

    @guarded
    def list_parts(self) -> list[str]:
        counts = partition_counts(self._settings, self._topics)
        return [
            f"{topic}/{number:04d}" for topic in self._topics for number in range(counts[topic])
        ]

    @guarded
    def build_part(
        self, step_id: str, for_part: str, resume_state: Position | None
    ) -> KafkaPartition:
        topic, number = for_part.rsplit("/", 1)
        source = Source(topic, int(number))
        identity = identities(self._settings, [topic])[topic]
        if resume_state is None:
            offset = self._first(source, identity)
        else:
            offset = _resume(source, resume_state, identity)
        return KafkaPartition(self._settings, source, identity, offset, self._stop, self._paused)


class KafkaPartition(StatefulSourcePartition[Item, Position]):
    """One partition, read by a consumer of its own."""

    def __init__(
        self,
        settings: Settings,
        source: Source,
        identity: str,
        offset: int,
        stop: threading.Event,
        paused: Callable[[], bool],
    ) -> None:
        self._source = source
        self._identity = identity
        self._stop = stop
        self._paused = paused
        self._key = str(source.partition)
        self._consumer = Consumer(_consumer_options(settings))
        self._next = self._resolve(offset)
        self._consumer.assign([TopicPartition(source.topic, source.partition, self._next)])
        self._awake = self._last_item = datetime.now(UTC)
        _log.info("reading %s from offset %d", source, self._next)

    @guarded
    def next_batch(self) -> list[Item]:
        if self._stop.is_set():
            raise StopIteration
        messages = [] if self._paused() else self._poll()
        now = datetime.now(UTC)
        self._awake = now if messages else now + IDLE_WAIT
        if not messages and now - self._last_item < QUIET_TICK:
            return []
        self._last_item = now
        return [(self._key, Polled(self._source, self._identity, messages, self._lag()))]

    def next_awake(self) -> datetime:
        return self._awake

    @guarded
    def snapshot(self) -> Position:
        return self._identity, self._next

    def close(self) -> None:
        self._consumer.close()

    def _poll(self) -> list[Message]:
        polled = self._consumer.consume(POLL_MESSAGES, 0)
        messages = [_message(raw) for raw in polled if not self._failed(raw)]
        if messages:
            self._next = messages[-1].offset + 1
        return messages

    def _failed(self, raw: KafkaMessage) -> bool:
        """Pass over errors that pass by themselves. Raises on those that do not."""
        error = raw.error()
        if error is None:
            return False
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            raise OffsetError(_offset_gone(self._source, self._next))
        if error.fatal():
            raise BrokerError(f"reading {self._source} failed for good: {error.str()}")
        _log.warning("reading %s: %s", self._source, error.str())
        return True

    def _lag(self) -> int | None:
        """Messages not read yet, as of the last answer of the broker."""
        try:
            _, end = self._consumer.get_watermark_offsets(self._partition, cached=True)
        except KafkaException:
            return None
        return max(0, end - self._next) if end >= 0 else None

    def _resolve(self, offset: int) -> int:
        """Make a number of OFFSET_BEGINNING and OFFSET_END, so that a restart means the same."""
        if offset >= 0:
            return offset
        try:
            low, high = self._consumer.get_watermark_offsets(self._partition, ANSWER_SECONDS)
        except KafkaException as error:
            raise BrokerError(
                f"Kafka does not tell the bounds of {self._source}: {error}; is it reachable?"
            ) from error
        return int(low if offset == OFFSET_BEGINNING else high)

    @property
    def _partition(self) -> TopicPartition:
        return TopicPartition(self._source.topic, self._source.partition)


def _message(raw: KafkaMessage) -> Message:
    """Producers choose a message's time; what no calendar holds is taken to its nearest end."""
    time = min(max(raw.timestamp()[1] / 1000, 0.0), LATEST_TIME)
    return Message(raw.offset() or 0, time, raw.key(), raw.value())


def _consumer_options(settings: Settings) -> dict[str, str | int | bool]:
    return {
        "bootstrap.servers": settings.kafka_bootstrap,
        "group.id": "realtime",
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
        "queued.max.messages.kbytes": 16_384,
        "fetch.wait.max.ms": 100,
        **settings.kafka_options,
    }


def _resume(source: Source, position: Position, identity: str) -> int:
    known, offset = position
    if known == identity:
        return offset
    raise OffsetError(
        f"the recovery directory knows {source} of {known}, but Kafka now has"
        f" {identity}: offsets do not carry over; use an empty recovery directory, with"
        " REALTIME_START_FROM=champion, earliest or latest to say where to begin"
    )


def _offset_gone(source: Source, offset: int) -> str:
    return (
        f"offset {offset} of {source} is not in Kafka any more (retention, or the topic was made"
        " anew); nothing was skipped: use an empty recovery directory, with"
        " REALTIME_START_FROM=champion, earliest or latest to say where to begin"
    )

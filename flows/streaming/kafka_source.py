"""Kafka partitions as Bytewax partitions: one list of messages per poll, no silent jumps.

Positions are offsets together with the cluster and topic they belong to. An offset that the log no
longer holds ends the flow with a message; it is never replaced by another one. Kafka's clients go
on without a word when a topic is deleted and made again, so a position is handed over only after
the broker was asked whether the topic is still the same; see `TopicWatch`.

Bytewax lists partitions only when a flow starts, and a partition is a shard with a learner, which
the API and the producers must know of too. So partitions that are added end the input in order
(the epoch is committed, a version registered); the next start wants REALTIME_SHARDS to say the new
number, goes on with the old partitions where they were, and reads the new ones from their start.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka import Message as KafkaMessage

from flows.errors import BrokerError, OffsetError
from flows.settings import Settings
from flows.streaming import faults
from flows.streaming.cluster import (
    bounds,
    check_shards,
    consumer_options,
    identities,
    partition_counts,
)
from flows.streaming.guard import guarded
from flows.streaming.health import PULSE
from flows.streaming.messages import Message, Order, Polled, Source
from flows.streaming.start import next_offset
from flows.streaming.topic_watch import WAYS_OUT, TopicWatch, offset_gone

POLL_MESSAGES = 1_000
IDLE_WAIT = timedelta(milliseconds=20)
QUIET_TICK = timedelta(seconds=1)
ANSWER_SECONDS = 10.0
LATEST_TIME = datetime(9998, 1, 1, tzinfo=UTC).timestamp()

_log = logging.getLogger("flows")

Item = tuple[str, Polled]


# Identity of cluster and topic, the next offset to read, and the last command obeyed: plain values,
# because Bytewax pickles them into the recovery store, where a class would be bound to its module.
Position = tuple[str, int, int]

FirstPosition = Callable[[Source, str], int]
Orders = Callable[[int], Order | None]


def no_orders(_: int) -> None:
    """Nobody tells the flow anything."""


class KafkaSource(FixedPartitionedSource[Item, Position]):
    """Reads all partitions of some topics; can support exactly-once processing.

    `first` is asked for the offset of a partition that has no position yet, and may answer with
    OFFSET_BEGINNING or OFFSET_END; where there are `known` parts, those of the recovery state, such
    a partition was added since, and is never begun at its end. Items are keyed by partition number.

    A flow that is told one shard (REALTIME_SHARD) reads that partition of each topic only.

    Raises BrokerError when Kafka does not answer within 10 s, a topic is missing or has other
    partitions than there are shards, OffsetError when a known part is gone, or another shard's.
    """

    def __init__(
        self,
        settings: Settings,
        topics: list[str],
        first: FirstPosition,
        stop: threading.Event,
        paused: Callable[[], bool],
        known: frozenset[str] = frozenset(),
        orders: Orders = no_orders,
    ) -> None:
        self._settings = settings
        self._topics = topics
        self._first = first
        self._stop = stop
        self._paused = paused
        self._known = known
        self._orders = orders
        self._watch = TopicWatch(settings, topics, stop)

    @guarded
    def list_parts(self) -> list[str]:
        counts = partition_counts(self._settings, self._topics)
        check_shards(counts, self._settings.shards)
        self._check_known(_parts(self._topics, range(self._settings.shards)), "Kafka does not have")
        own = _parts(self._topics, self._settings.own_shards)
        self._check_known(own, f"REALTIME_SHARD={self._settings.shard} does not read")
        return own

    @guarded
    def build_part(
        self, step_id: str, for_part: str, resume_state: Position | None
    ) -> KafkaPartition:
        topic, number = for_part.rsplit("/", 1)
        source = Source(topic, int(number))
        identity = identities(self._settings, [topic])[topic]
        partition = KafkaPartition(
            self._settings, source, identity, self._watch, self._stop, self._paused, self._orders
        )
        if resume_state is None:
            partition.begin(self._begin(source, identity))
        else:
            # Before there were commands, positions ended with the offset.
            partition.resume(_resume(source, resume_state, identity), *resume_state[2:])
        return partition

    def _check_known(self, listed: list[str], who: str) -> None:
        if gone := self._known.difference(listed):
            raise OffsetError(
                f"the recovery directory knows {', '.join(sorted(gone))}, which {who} any more;"
                f" {WAYS_OUT}"
            )

    def _begin(self, source: Source, identity: str) -> int:
        _log.info("no position of %s to resume from", source)
        offset = self._first(source, identity)
        return OFFSET_BEGINNING if self._known and offset == OFFSET_END else offset


class KafkaPartition(StatefulSourcePartition[Item, Position]):
    """One partition, read by a consumer of its own from where `begin` or `resume` says."""

    def __init__(
        self,
        settings: Settings,
        source: Source,
        identity: str,
        watch: TopicWatch,
        stop: threading.Event,
        paused: Callable[[], bool],
        orders: Orders = no_orders,
    ) -> None:
        self._settings = settings
        self._source = source
        self._identity = identity
        self._watch = watch
        self._stop = stop
        self._paused = paused
        self._orders = orders
        self._command = 0
        self._closing = False
        self._key = str(source.partition)
        self._consumer = Consumer(consumer_options(settings))
        self._read_at = time.monotonic()
        self._awake = self._last_item = datetime.now(UTC)

    def begin(self, offset: int) -> None:
        """Read from an offset, OFFSET_BEGINNING or OFFSET_END; from the oldest if it is gone."""
        self.resume(self._resolve(offset))

    def resume(self, offset: int, command: int = 0) -> None:
        """Read from exactly this offset; `next_batch` raises OffsetError if it is gone."""
        self._next, self._command = offset, command
        self._consumer.assign([TopicPartition(self._source.topic, self._source.partition, offset)])
        place = {"topic": self._source.topic, "partition": self._source.partition, "offset": offset}
        _log.info("reading %s from offset %d", self._source, offset, extra=place)

    @guarded
    def next_batch(self) -> list[Item]:
        if self._stop.is_set():
            raise StopIteration
        if self._closing:
            # Bytewax polls again only once the epoch is committed.
            self._closing = False
            PULSE.closed()
        order = self._orders(self._source.partition)
        if order is not None and order.number > self._command:
            return [(self._key, self._obey(order))]
        messages = [] if self._paused() else self._poll()
        now = datetime.now(UTC)
        self._awake = now if messages else now + IDLE_WAIT
        if not messages and now - self._last_item < QUIET_TICK:
            return []
        self._last_item = now
        polled = Polled(self._source, self._identity, messages, self._lag(), self._next)
        return [(self._key, polled)]

    def next_awake(self) -> datetime:
        return self._awake

    @guarded
    def snapshot(self) -> Position:
        """The position, once the broker has said that it is one of the log it was read from."""
        self._watch.confirm(self._source, self._identity, self._read_at)
        self._closing = True
        return self._identity, self._next, self._command

    def close(self) -> None:
        self._consumer.close()

    def _obey(self, order: Order) -> Polled:
        """Move to where an order wants the log to be read on, and say so in the stream."""
        if order.moves:
            self._consumer.close()
            self._consumer = Consumer(consumer_options(self._settings))
            first = next_offset(self._source, self._identity, order.sources, order.offsets)
            self.begin(first)
        self._command = order.number
        faults.point("command.moved")
        return Polled(self._source, self._identity, [], None, self._next, order)

    def _poll(self) -> list[Message]:
        polled = self._consumer.consume(POLL_MESSAGES, 0)
        messages = [_message(raw) for raw in polled if raw.error() is None or not self._failed(raw)]
        if messages:
            self._next = messages[-1].offset + 1
        self._read_at = time.monotonic()
        return messages

    def _failed(self, raw: KafkaMessage) -> bool:
        """Pass over errors that pass by themselves. Raises on those that do not."""
        error = raw.error()
        if error is None:
            return False
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            raise OffsetError(offset_gone(self._source, self._next))
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
        """Make a number that the log holds, so that a restart means the same."""
        try:
            low, high = bounds(self._consumer, self._partition, ANSWER_SECONDS)
        except KafkaException as error:
            raise BrokerError(
                f"Kafka does not tell the bounds of {self._source}: {error}; is it reachable?"
            ) from error
        if 0 <= offset < low:
            _log.warning(
                "offset %d of %s is gone; the oldest that Kafka still has is %d, and %d messages"
                " will never be learnt",
                offset,
                self._source,
                low,
                low - offset,
            )
        return int(high if offset == OFFSET_END else max(offset, low))

    @property
    def _partition(self) -> TopicPartition:
        return TopicPartition(self._source.topic, self._source.partition)


def _parts(topics: list[str], shards: range) -> list[str]:
    return [f"{topic}/{shard:04d}" for topic in topics for shard in shards]


def _message(raw: KafkaMessage) -> Message:
    """Producers choose a message's time; what no calendar holds is taken to its nearest end."""
    time = raw.timestamp()[1] / 1000
    if not 0 <= time <= LATEST_TIME:
        time = min(max(time, 0.0), LATEST_TIME)
    return Message(raw.offset() or 0, time, raw.key(), raw.value())


def _resume(source: Source, position: Sequence[Any], identity: str) -> int:
    known = position[0]
    if known == identity:
        return int(position[1])
    raise OffsetError(
        f"the recovery directory knows {source} of {known}, but Kafka now has"
        f" {identity}: offsets do not carry over; {WAYS_OUT}"
    )

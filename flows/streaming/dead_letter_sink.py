"""What is no event of the project goes to its dead letters, unchanged and with the reason.

Each dead letter names the message that it was: log and offset. Kafka has no write that refuses
what is there already, so before its first write a flow reads what the topic got after its last
snapshot, and leaves out what it finds: after a crash, at any moment, each is there once. (Not
covered: requests of a killed process that the broker takes in only after that reading. Brokers
fence such a process for transactional producers alone.)
"""

from __future__ import annotations

import logging
import threading

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as KafkaMessage

from flows.errors import BrokerError, TopicError
from flows.settings import Settings
from flows.streaming import faults
from flows.streaming.cluster import identities, partition_counts
from flows.streaming.guard import guarded
from flows.streaming.health import PULSE
from flows.streaming.log_reader import read_to_end
from flows.streaming.messages import Decoded, Rejected
from flows.streaming.sent_letters import PREFIX, SentLetters

LOOK_SECONDS = 1.0
DETAIL_LENGTH = 1_000
# A message of the largest size that producers may send, with the headers on top.
LARGEST_MESSAGE = 1_000_000
HEADERS_LENGTH = 16_384

# Identity of the dead letters' cluster and topic, and the offset from which to look for what was
# sent by then; None before anything was. Plain values, because Bytewax pickles them.
Position = tuple[str, int] | None

Headers = dict[str, str | bytes | None]

_log = logging.getLogger("flows")


class DeadLetterSink(FixedPartitionedSink[Decoded, Position]):
    """Produces rejected messages to a topic, exactly once, each with its source's coordinates.

    The shard of a message picks the partition of its dead letter. While Kafka does not answer the
    flow waits, until `stop`.
    """

    def __init__(self, settings: Settings, topic: str, stop: threading.Event | None = None) -> None:
        self._settings = settings
        self._topic = topic
        self._stop = stop or threading.Event()

    def list_parts(self) -> list[str]:
        return [f"{shard:04d}" for shard in self._settings.own_shards]

    def part_fn(self, item_key: str) -> int:
        return int(item_key)

    @guarded
    def build_part(
        self, step_id: str, for_part: str, resume_state: Position
    ) -> DeadLetterPartition:
        return DeadLetterPartition(
            self._settings, self._topic, int(for_part), resume_state, self._stop
        )


class DeadLetterPartition(StatefulSinkPartition[Decoded, Position]):
    """One shard's dead letters; the epoch does not close before the broker has them all."""

    def __init__(
        self,
        settings: Settings,
        topic: str,
        shard: int,
        position: Position,
        stop: threading.Event | None = None,
    ) -> None:
        self._stop = stop or threading.Event()
        self._settings = settings
        self._topic = topic
        self._shard = shard
        self._position = position
        self._sent: SentLetters | None = None
        self._end = 0
        self._partition = shard
        self._failure: KafkaError | None = None
        self._producer = Producer(_options(settings))

    @guarded
    def write_batch(self, values: list[Decoded]) -> None:
        """Send what the topic does not hold. Raises BrokerError when Kafka refuses."""
        for decoded in values:
            if decoded.order is not None and decoded.order.moves:
                self._look_anew()
            if decoded.rejected and self._sent is None:
                self._sent = self._look_patiently()
            if self._sent is None:
                continue
            for rejected in decoded.rejected:
                if not self._sent.holds(decoded, rejected.message.offset):
                    self._send(decoded, rejected)
            self._sent.pass_by(decoded)

    @guarded
    def snapshot(self) -> Position:
        """Raises BrokerError when a dead letter could not be delivered."""
        while (unsent := self._producer.flush(LOOK_SECONDS)) and not self._stop.is_set():
            _log.warning("%d dead letters wait for Kafka", unsent)
            PULSE.waits("dead letters wait for Kafka")
        faults.point("dead_letters.flush")
        if unsent or self._failure:
            raise BrokerError(
                f"{unsent or 'some'} dead letters did not reach {self._topic}:"
                f" {self._failure or 'no answer'}; check the broker, then start the flow again"
            )
        if self._position is not None and self._sent is not None:
            self._position = (self._position[0], self._sent.first(self._end))
        return self._position

    def _look_anew(self) -> None:
        """The source goes back: any letter that the topic has may come by again."""
        while self._producer.flush(LOOK_SECONDS) and not self._stop.is_set():
            _log.warning("dead letters wait for Kafka")
            PULSE.waits("dead letters wait for Kafka")
        self._sent = self._position = None

    def _look_patiently(self) -> SentLetters:
        while True:
            try:
                return self._look()
            except TopicError:
                raise
            except BrokerError as error:
                if self._stop.is_set():
                    raise
                _log.warning("%s; asking again", error)
                PULSE.waits(error)
                self._stop.wait(LOOK_SECONDS)

    def _look(self) -> SentLetters:
        """Read what was sent since the snapshot, or ever where there is none."""
        count = partition_counts(self._settings, [self._topic])[self._topic]
        identity = identities(self._settings, [self._topic])[self._topic]
        self._partition = self._shard % count
        known, start = self._position or (identity, 0)
        self._end = start if known == identity else 0
        self._position = (identity, self._end)
        sent = SentLetters()
        for letter in read_to_end(self._settings, self._topic, self._partition, self._end):
            sent.add(letter)
            self._reach(letter)
        return sent

    def _reach(self, letter: KafkaMessage) -> None:
        self._end = max(self._end, (letter.offset() or 0) + 1)

    def _send(self, decoded: Decoded, rejected: Rejected) -> None:
        headers = _headers(decoded, rejected)
        try:
            self._produce(rejected, headers, rejected.message.value)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.MSG_SIZE_TOO_LARGE:
                raise
            headers[f"{PREFIX}omitted"] = str(len(rejected.message.value or b"")).encode()
            self._produce(rejected, headers, None)

    def _produce(self, rejected: Rejected, headers: Headers, value: bytes | None) -> None:
        while True:
            try:
                self._producer.produce(
                    self._topic,
                    value=value,
                    key=rejected.message.key,
                    partition=self._partition,
                    headers=headers,
                    on_delivery=self._delivered,
                )
                self._producer.poll(0)
                return
            except BufferError:
                self._producer.poll(0.1)

    def _delivered(self, error: KafkaError | None, message: KafkaMessage) -> None:
        if error is None:
            self._reach(message)
        else:
            self._failure = error


def _options(settings: Settings) -> dict[str, str | int | bool]:
    largest = int(settings.kafka_options.get("message.max.bytes", LARGEST_MESSAGE))
    return {
        "bootstrap.servers": settings.kafka_bootstrap,
        "enable.idempotence": True,
        "message.timeout.ms": 0,
        **settings.kafka_options,
        "message.max.bytes": largest + HEADERS_LENGTH,
    }


def _headers(decoded: Decoded, rejected: Rejected) -> Headers:
    values = {
        "exception": rejected.reason,
        "message": rejected.detail[:DETAIL_LENGTH],
        "identity": decoded.identity,
        "topic": decoded.source.topic,
        "partition": str(decoded.source.partition),
        "offset": str(rejected.message.offset),
        "timestamp": str(round(rejected.message.time * 1000)),
    }
    return {f"{PREFIX}{name}": value.encode() for name, value in values.items()}

"""Sending to Kafka with an answer for every message."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from flows.errors import BrokerError, SettingsError
from flows.settings import Settings
from scripts.stop import Stop

GRACE_SECONDS = 5.0
PRODUCER_OPTIONS = {
    "enable.idempotence": True,
    "acks": "all",
    "compression.type": "zstd",
    # The embedded broker looks through all batches of a log for each new one that somebody reads.
    "linger.ms": 200,
    "partitioner": "murmur2_random",
    "delivery.timeout.ms": 60_000,
    "log_level": 2,
}

log = logging.getLogger("kafka")

Client = TypeVar("Client")


@dataclass(frozen=True, slots=True)
class Record:
    """A message to be; time in milliseconds since 1970, 0 for the moment of sending."""

    key: bytes | None
    value: bytes
    time_ms: int = 0


def connect(
    client: Callable[[dict[str, Any]], Client], settings: Settings, options: Mapping[str, Any]
) -> Client:
    """Make a client of librdkafka; the user's own options win over `options`.

    It connects by itself, later. Raises SettingsError for options that librdkafka refuses.
    """
    broker = {"bootstrap.servers": settings.kafka_bootstrap}
    try:
        return client({**options, **broker, **settings.kafka_options})
    except KafkaException as error:
        raise SettingsError(f"REALTIME_KAFKA_OPTIONS: {error.args[0].str()}") from None


class Sender:
    """An idempotent producer that counts what was delivered and stops at the first failure.

    `murmur2_random` puts a key where Java clients put it. Not thread-safe.
    """

    def __init__(self, settings: Settings, stop: Stop) -> None:
        self.delivered: Counter[str] = Counter()
        self.failed = 0
        self._stop = stop
        self._reason = ""
        self._trouble: int | None = None
        options = {**PRODUCER_OPTIONS, "error_cb": self._on_trouble}
        self._producer = connect(Producer, settings, options)

    def send(self, topic: str, record: Record) -> None:
        """Queue a record; waits while the queue is full. Raises BrokerError when sending fails."""
        while not self._offer(topic, record):
            self.poll(0.1)
            if self._stop.requested:
                return

    def poll(self, seconds: float = 0.0) -> None:
        """Hear of deliveries, for at most `seconds`. Raises BrokerError if one has failed."""
        self._producer.poll(seconds)
        if self.failed:
            raise BrokerError(self._reason)

    def finish(self) -> None:
        """Wait until all is delivered; when stopping or failing, for GRACE_SECONDS at most.

        Raises BrokerError if anything was not delivered.
        """
        deadline = float("inf")
        while self._producer.flush(0.2):
            if self._stop.requested or self.failed:
                deadline = min(deadline, time.monotonic() + GRACE_SECONDS)
            if time.monotonic() > deadline:
                self._producer.purge()
        if self.failed:
            raise BrokerError(self._reason)

    def _offer(self, topic: str, record: Record) -> bool:
        """Queue a record unless the queue is full."""
        try:
            self._producer.produce(
                topic,
                record.value,
                record.key,
                timestamp=record.time_ms,
                on_delivery=self._on_delivery,
            )
        except BufferError:
            return False
        except KafkaException as error:
            raise BrokerError(_explain(topic, record.value, error.args[0])) from None
        return True

    def _on_delivery(self, error: KafkaError | None, message: Message) -> None:
        topic = message.topic() or ""
        if error is None:
            self.delivered[topic] += 1
            return
        self.failed += 1
        self._reason = self._reason or _explain(topic, message.value() or b"", error)

    def _on_trouble(self, error: KafkaError) -> None:
        """Tell of trouble once, however often librdkafka tries again."""
        if error.code() != self._trouble:
            self._trouble = error.code()
            log.warning("%s; trying again", error.str())


def send(settings: Settings, topic: str, records: Iterable[Record]) -> None:
    """Send all, and return when the broker has confirmed them. Raises BrokerError."""
    sender = Sender(settings, Stop())
    for record in records:
        sender.send(topic, record)
    sender.finish()


def _explain(topic: str, value: bytes, error: KafkaError) -> str:
    return (
        f"a message of {len(value)} bytes for {topic} was not delivered: {error.str()};"
        " check the broker and REALTIME_KAFKA_OPTIONS, then produce again"
    )

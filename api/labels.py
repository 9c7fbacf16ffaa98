"""Labels on their way to Kafka: each is waited for until the broker has it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from flows.errors import BrokerError
from flows.projects.spec import Label
from flows.settings import Settings

DELIVERY_SECONDS = 5.0

_log = logging.getLogger("api")


class Delivered(msgspec.Struct, frozen=True):
    """Where Kafka put a message."""

    topic: str
    partition: int
    offset: int


class LabelSender:
    """Sends labels; one idempotent producer, made when the first label comes."""

    def __init__(self, settings: Settings) -> None:
        self._options = {
            "bootstrap.servers": settings.kafka_bootstrap,
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
            "linger.ms": 1,
            "reconnect.backoff.ms": 500,
            "message.timeout.ms": int(DELIVERY_SECONDS * 1000),
            **settings.kafka_options,
        }
        self._producer: Producer | None = None
        self._making = threading.Lock()

    def send(self, topic: str, key: str, label: Label) -> Delivered:
        """Send a label and wait for its delivery report, at most DELIVERY_SECONDS.

        Raises BrokerError when Kafka did not confirm it; it may or may not have been stored.
        """
        report: Future[Delivered] = Future()
        value = msgspec.json.encode(label)
        try:
            producer = self._connected()
            producer.produce(topic, value, key.encode(), on_delivery=_settle(report))
            _serve(producer, report)
            return report.result(timeout=0)
        except TimeoutError:
            raise _failure(topic, f"no confirmation within {DELIVERY_SECONDS:g} s") from None
        except (KafkaException, BufferError) as error:
            raise _failure(topic, str(error)) from error

    def close(self) -> None:
        """Let go of the connection."""
        if self._producer is not None:
            self._producer.flush(DELIVERY_SECONDS)

    def _connected(self) -> Producer:
        with self._making:
            if self._producer is None:
                self._producer = Producer(self._options, logger=_log)
            return self._producer


def _serve(producer: Producer, report: Future[Delivered]) -> None:
    """Poll until the report is there; any thread that polls may be the one that settles it."""
    deadline = time.monotonic() + DELIVERY_SECONDS + 0.5
    while not report.done() and time.monotonic() < deadline:
        producer.poll(0.05)


def _settle(report: Future[Delivered]) -> Callable[[KafkaError | None, Message], None]:
    def settle(error: KafkaError | None, message: Message) -> None:
        if error is not None:
            report.set_exception(KafkaException(error))
        else:
            report.set_result(_place(message))

    return settle


def _place(message: Message) -> Delivered:
    found = {
        "topic": message.topic(),
        "partition": message.partition(),
        "offset": message.offset(),
    }
    return msgspec.convert(found, Delivered)


def _failure(topic: str, why: str) -> BrokerError:
    return BrokerError(
        f"the label did not reach {topic}: {why}; check REALTIME_KAFKA_BOOTSTRAP, then send again"
    )

"""Reading one partition of a topic to its end, on any broker.

A high watermark may lie: the embedded broker's is the start of the last batch + 1. So it counts as
a lower bound: reading goes on until it is passed and the batch that passed it, which arrives whole,
has been taken in.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from flows.errors import BrokerError
from flows.settings import Settings

ANSWER_SECONDS = 10.0
QUIET_SECONDS = 0.3


def read_to_end(
    settings: Settings, topic: str, partition: int, start: int = 0
) -> Iterator[Message]:
    """Yield the messages from offset `start`, or the first kept one, to the end as it is now.

    Takes as long as there is something to read. Raises BrokerError after 10 s without any.
    """
    consumer = Consumer(_options(settings))
    try:
        low, high = _bounds(consumer, TopicPartition(topic, partition))
        first = max(start, low)
        consumer.assign([TopicPartition(topic, partition, first)])
        yield from _read(consumer, first, high, f"{topic}/{partition}")
    finally:
        consumer.close()


def least_end(settings: Settings, topic: str, partition: int) -> int:
    """An offset that all messages sent from now on are at or beyond: the end, or a bit before."""
    consumer = Consumer(_options(settings))
    try:
        return max(0, _bounds(consumer, TopicPartition(topic, partition))[1] - 1)
    finally:
        consumer.close()


def _read(consumer: Consumer, position: int, high: int, log: str) -> Iterator[Message]:
    heard = time.monotonic()
    while True:
        message = consumer.poll(QUIET_SECONDS)
        if message is None:
            if position >= high:
                return
            if time.monotonic() - heard > ANSWER_SECONDS:
                raise BrokerError(
                    f"{log} gave nothing for {ANSWER_SECONDS:.0f} s at offset {position},"
                    f" before its end at {high}; check the broker"
                )
        elif _is_end(message, log):
            return
        elif message.error() is None:
            heard, position = time.monotonic(), (message.offset() or 0) + 1
            yield message


def _is_end(message: Message, log: str) -> bool:
    """Tell the end of the log; a position beyond it is one too. Raises BrokerError for good."""
    error = message.error()
    if error is None:
        return False
    if error.fatal():
        raise BrokerError(f"reading {log} failed for good: {error.str()}")
    return error.code() in (KafkaError._PARTITION_EOF, KafkaError._AUTO_OFFSET_RESET)


def _bounds(consumer: Consumer, partition: TopicPartition) -> tuple[int, int]:
    try:
        low, high = consumer.get_watermark_offsets(partition, ANSWER_SECONDS)
    except KafkaException as error:
        raise BrokerError(
            f"Kafka does not tell the bounds of {partition.topic}/{partition.partition}:"
            f" {error.args[0].str()}; check REALTIME_KAFKA_BOOTSTRAP and the broker"
        ) from error
    return int(low), int(high)


def _options(settings: Settings) -> dict[str, str | int | bool]:
    return {
        "bootstrap.servers": settings.kafka_bootstrap,
        "group.id": "realtime",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "error",
        "queued.max.messages.kbytes": 16_384,
        "fetch.wait.max.ms": 100,
        "log_level": 2,
        **settings.kafka_options,
    }

"""Reads back what is on a topic, for tests."""

from __future__ import annotations

from confluent_kafka import Consumer, Message, TopicPartition


def read_topic(bootstrap: str, topic: str, count: int, quiet: float = 0.5) -> list[Message]:
    """The first `count` messages of partition 0, and whatever comes in a quiet moment after."""
    options = {"bootstrap.servers": bootstrap, "group.id": "tests", "enable.auto.commit": False}
    consumer = Consumer(options)
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        found: list[Message] = []
        while (message := consumer.poll(20.0 if len(found) < count else quiet)) is not None:
            assert message.error() is None
            found.append(message)
        return found
    finally:
        consumer.close()

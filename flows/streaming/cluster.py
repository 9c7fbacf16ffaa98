"""What must be known of a Kafka cluster before reading from it."""

from __future__ import annotations

import time
from typing import Any

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from flows.errors import BrokerError, TopicError
from flows.settings import Settings

ANSWER_SECONDS = 10.0
LEADERLESS = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
LEADER_PAUSE_SECONDS = 0.2


def partition_counts(settings: Settings, topics: list[str]) -> dict[str, int]:
    """Count the partitions of each topic. Raises TopicError for one that does not exist."""
    known = _metadata(settings, admin_of(settings)).topics
    missing = [topic for topic in topics if topic not in known or not known[topic].partitions]
    if missing:
        raise TopicError(
            f"Kafka at {settings.kafka_bootstrap} has no topic {', '.join(missing)};"
            " create it with `python -m scripts.topics PROJECT`"
        )
    return {topic: len(known[topic].partitions) for topic in topics}


def check_shards(partitions: dict[str, int], shards: int) -> None:
    """Raise BrokerError unless every topic has one partition a shard."""
    if set(partitions.values()) == {shards}:
        return
    most = max(partitions.values())
    found = ", ".join(f"{topic} has {count}" for topic, count in partitions.items())
    fewer = [topic for topic, count in partitions.items() if count < most]
    advice = f"set REALTIME_SHARDS={most} for flows, API and producers"
    if fewer:
        advice += f", and add partitions to {', '.join(fewer)} until there are {most}"
    raise BrokerError(f"REALTIME_SHARDS is {shards}, but counting partitions {found}: {advice}")


def identities(settings: Settings, topics: list[str]) -> dict[str, str]:
    """Name each topic so that the same name in another cluster, or made anew, is another one."""
    admin = admin_of(settings)
    cluster = _metadata(settings, admin).cluster_id
    try:
        described = admin.describe_topics(TopicCollection(topics), request_timeout=ANSWER_SECONDS)
        ids = {topic: str(future.result().topic_id) for topic, future in described.items()}
    except KafkaException as error:
        raise BrokerError(f"Kafka does not describe {', '.join(topics)}: {error}") from error
    return {topic: f"{cluster}/{topic_id}" for topic, topic_id in ids.items()}


def admin_of(settings: Settings) -> AdminClient:
    """A client for questions like these; it connects by itself, later."""
    return AdminClient({"bootstrap.servers": settings.kafka_bootstrap, **settings.kafka_options})


def consumer_options(settings: Settings) -> dict[str, str | int | bool]:
    """How a flow reads: it keeps its own offsets, and never jumps."""
    return {
        "bootstrap.servers": settings.kafka_bootstrap,
        "group.id": "realtime",
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
        "queued.max.messages.kbytes": 16_384,
        "fetch.wait.max.ms": 100,
        **settings.kafka_options,
    }


def _metadata(settings: Settings, admin: AdminClient) -> Any:
    try:
        return admin.list_topics(timeout=ANSWER_SECONDS)
    except KafkaException as error:
        raise BrokerError(
            f"Kafka at {settings.kafka_bootstrap} does not answer within {ANSWER_SECONDS:.0f} s:"
            f" {error}; check REALTIME_KAFKA_BOOTSTRAP and the broker"
        ) from error


def bounds(consumer: Consumer, partition: TopicPartition, seconds: float) -> tuple[int, int]:
    """The first offset of a partition and the one after its last.

    Asks again while it has no leader, as when its topic was just made. Raises KafkaException.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            low, high = consumer.get_watermark_offsets(partition, seconds)
            return low, high
        except KafkaException as error:
            if error.args[0].code() not in LEADERLESS or time.monotonic() > deadline:
                raise
            time.sleep(LEADER_PAUSE_SECONDS)

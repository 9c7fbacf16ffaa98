"""Whether topics are still the ones that a flow began to read."""

from __future__ import annotations

import logging
import threading
import time

from confluent_kafka import KafkaException, TopicCollection

from flows.errors import OffsetError
from flows.settings import Settings
from flows.streaming.cluster import admin_of
from flows.streaming.messages import Source

ANSWER_SECONDS = 2.0
WAYS_OUT = (
    "use an empty recovery directory, with REALTIME_START_FROM=champion to go on with the last"
    " model, or earliest or latest to begin a new one there"
)

_log = logging.getLogger("flows")


class TopicWatch:
    """Asks once an epoch for the ids and partitions of all topics of a flow.

    Ids of topics are never used twice: one that is unchanged after a read says that all that was
    read is of that topic. Sets `stop` when a topic has other partitions than there are shards.
    """

    def __init__(self, settings: Settings, topics: list[str], stop: threading.Event) -> None:
        self._shards = settings.shards
        self._topics = TopicCollection(topics)
        self._stop = stop
        self._admin = admin_of(settings)
        self._lock = threading.Lock()
        self._asked_at = 0.0
        self._ids: dict[str, str] = {}

    def confirm(self, source: Source, identity: str, read_at: float) -> None:
        """Raise OffsetError if the topic is not that of `identity` any more.

        `read_at` is when the partition was last read, by the monotonic clock: an answer from later
        is used again. A broker that does not answer within 2 s, or does not know the topic, is
        asked again for the next epoch; until then the position counts.
        """
        with self._lock:
            if self._asked_at <= read_at:
                self._ask()
            found = self._ids.get(source.topic)
        if found is not None and not identity.endswith(f"/{found}"):
            raise OffsetError(
                f"topic {source.topic} was deleted and made anew while it was read: it is"
                f" {found} now, and was {identity}; what the new one holds may have been skipped,"
                f" and this epoch is not committed: {WAYS_OUT}"
            )

    def _ask(self) -> None:
        self._asked_at, self._ids = time.monotonic(), {}
        answers = self._admin.describe_topics(self._topics, request_timeout=ANSWER_SECONDS)
        for topic, answer in answers.items():
            try:
                description = answer.result()
            except KafkaException as error:
                _log.warning("Kafka does not describe %s: %s", topic, error.args[0].str())
                continue
            self._ids[topic] = str(description.topic_id)
            self._compare(topic, len(description.partitions))

    def _compare(self, topic: str, partitions: int) -> None:
        if partitions != self._shards and not self._stop.is_set():
            _log.error(
                "%s has %d partitions now: ending in order; start again with REALTIME_SHARDS=%d,"
                " also for API and producers, to read the new ones from their start",
                topic,
                partitions,
                partitions,
            )
            self._stop.set()


def offset_gone(source: Source, offset: int) -> str:
    """What is wrong when a position has left the log, and what to do."""
    return (
        f"offset {offset} of {source} is not in Kafka any more (retention, or the topic was made"
        f" anew); nothing was skipped: {WAYS_OUT}"
    )

"""What is no event of the project goes to its dead letters, unchanged and with the reason."""

from __future__ import annotations

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from confluent_kafka import KafkaError, Producer
from confluent_kafka import Message as KafkaMessage

from flows.errors import BrokerError
from flows.settings import Settings
from flows.streaming import faults
from flows.streaming.guard import guarded
from flows.streaming.messages import Decoded, Rejected

FLUSH_SECONDS = 30.0
PREFIX = "__realtime.errors."


class DeadLetterSink(FixedPartitionedSink[Decoded, None]):
    """Produces rejected messages to a topic; at-least-once, each with its source's coordinates."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self._settings = settings
        self._topic = topic

    def list_parts(self) -> list[str]:
        return [f"{shard:04d}" for shard in range(self._settings.shards)]

    def part_fn(self, item_key: str) -> int:
        return int(item_key)

    @guarded
    def build_part(self, step_id: str, for_part: str, resume_state: None) -> DeadLetterPartition:
        return DeadLetterPartition(self._settings, self._topic)


class DeadLetterPartition(StatefulSinkPartition[Decoded, None]):
    """One shard's dead letters; the epoch does not close before the broker has them all."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self._topic = topic
        self._failure: KafkaError | None = None
        self._producer = Producer(
            {
                "bootstrap.servers": settings.kafka_bootstrap,
                "enable.idempotence": True,
                **settings.kafka_options,
            }
        )

    @guarded
    def write_batch(self, values: list[Decoded]) -> None:
        for decoded in values:
            for rejected in decoded.rejected:
                self._produce(decoded, rejected)

    @guarded
    def snapshot(self) -> None:
        """Raises BrokerError when a dead letter could not be delivered."""
        faults.point("dead_letters.flush")
        unsent = self._producer.flush(FLUSH_SECONDS)
        if unsent or self._failure:
            raise BrokerError(
                f"{unsent or 'some'} dead letters did not reach {self._topic}:"
                f" {self._failure or 'no answer'}; check the broker, then start the flow again"
            )

    def _produce(self, decoded: Decoded, rejected: Rejected) -> None:
        message = rejected.message
        while True:
            try:
                self._producer.produce(
                    self._topic,
                    value=message.value,
                    key=message.key,
                    headers=_headers(decoded, rejected),
                    on_delivery=self._delivered,
                )
                self._producer.poll(0)
                return
            except BufferError:
                self._producer.poll(0.1)

    def _delivered(self, error: KafkaError | None, _: KafkaMessage) -> None:
        self._failure = error or self._failure


def _headers(decoded: Decoded, rejected: Rejected) -> dict[str, str | bytes | None]:
    values = {
        "exception": rejected.reason,
        "message": rejected.detail,
        "topic": decoded.source.topic,
        "partition": str(decoded.source.partition),
        "offset": str(rejected.message.offset),
    }
    return {f"{PREFIX}{name}": value.encode() for name, value in values.items()}

"""Dead letters back to where they came from, each once.

Kafka cannot be asked which letters were replayed, and the learner knows only its newest ids. So
what is replayed is written to a table of the lake, `<topic>_replays`: before sending, with an
offset of the source topic that what is sent will lie behind, and again when Kafka has confirmed.
Where the second note is missing, after a crash, the source topic is read from that offset on and
tells by its headers what arrived. Two replays at once exclude each other: the first note is a
commit with a transaction of its own, of which Delta takes only one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from flows.errors import BrokerError, EventError
from flows.projects.spec import Label, Project
from flows.settings import Settings
from flows.stores.columns import TIMESTAMP
from flows.stores.lake import PARTITION, LakeTable
from flows.streaming import messages
from flows.streaming.cluster import identities, partition_counts
from flows.streaming.decode import decoder
from flows.streaming.log_reader import least_end, read_to_end
from scripts.kafka import PRODUCER_OPTIONS, connect
from scripts.lake_upkeep import Lake
from scripts.letters import Id, Letter

HEADER = "__realtime.replayed.from"
FLUSH_SECONDS = 60.0
SCHEMA = pa.schema(
    [
        ("kafka_log", pa.string()),
        ("kafka_topic", pa.string()),
        ("kafka_partition", pa.int32()),
        ("kafka_offset", pa.int64()),
        ("state", pa.string()),
        ("target", pa.string()),
        ("ends", pa.string()),
        ("time", TIMESTAMP),
        (PARTITION, pa.date32()),
    ]
)


@dataclass(frozen=True, slots=True)
class Replay:
    """A letter's mended value, on its way back. A key of None: its old partition takes it."""

    letter: Letter
    key: bytes | None
    value: bytes


class Checker:
    """Tells whether a mended letter is an event or label of the project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._decode = decoder(project)

    def check(self, letter: Letter, value: bytes) -> Replay:
        """Raises EventError with the reason why a flow would refuse it again."""
        if letter.topic not in self._project.topics:
            raise EventError(f"it came from {letter.topic or 'nowhere'}, no topic of the project")
        source = messages.Source(letter.topic, letter.partition)
        message = messages.Message(letter.offset, letter.timestamp / 1000, letter.key, value)
        decoded = self._decode(messages.Polled(source, "", [message]))
        if decoded.rejected:
            raise EventError(decoded.rejected[0].detail)
        return Replay(letter, letter.key or self._entity(decoded.accepted[0][1]), value)

    def _entity(self, event: Any) -> bytes | None:
        return None if isinstance(event, Label) else self._project.key(event).encode()


class Replays:
    """The record of what was replayed of a project's dead letters, and the way to replay more.

    Raises BrokerError, StoreError, and ConflictError while another replays.
    """

    def __init__(self, settings: Settings, project: Project) -> None:
        self._settings = settings
        self._topic = project.dead_letters_topic
        self._identity = identities(settings, [self._topic])[self._topic]
        self._name = f"{project.topic}_replays"
        self._table = LakeTable(settings, self._name, SCHEMA)
        self._app = f"{self._identity}/{self._topic}"

    def sent(self) -> set[Id]:
        """Which letters were replayed, also by a replay that died."""
        notes = self._notes()
        confirmed = {_id(note) for note in notes if note["state"] == "sent"}
        unsure = [note for note in notes if _id(note) not in confirmed]
        return confirmed | self._arrived(unsure)

    def send(self, replays: Sequence[Replay]) -> int:
        """Replay what was not yet, and return how many that are."""
        known = self._table.watermark(self._app)
        sent = self.sent()
        due = [replay for replay in replays if replay.letter.id not in sent]
        if due:
            known = self.begin(due, known)
            delivered = self.produce(due)
            self._note("sent", delivered, known)
            if len(delivered) < len(due):
                raise BrokerError(
                    f"{len(due) - len(delivered)} of {len(due)} messages were not delivered;"
                    " check the broker, then replay again: none is sent twice"
                )
        return len(due)

    def begin(self, due: Sequence[Replay], known: int) -> int:
        """Note what is about to be sent; returns the record's new watermark."""
        return self._note("sending", due, known)

    def produce(self, due: Iterable[Replay]) -> list[Replay]:
        """Send, and return what Kafka has confirmed."""
        delivered: list[Replay] = []
        producer = connect(Producer, self._settings, PRODUCER_OPTIONS)
        for replay in due:
            _produce(producer, replay, self._name_of(replay.letter.id), delivered)
        producer.flush(FLUSH_SECONDS)
        return delivered

    def _notes(self) -> list[dict[str, Any]]:
        lake = Lake(self._settings)
        with lake.failures(f"read {self._name}"):
            if not lake.has(self._name):
                return []
            notes: list[dict[str, Any]] = lake.open(self._name).to_pyarrow_table().to_pylist()
        return [note for note in notes if note["kafka_log"] == self._identity]

    def _arrived(self, unsure: list[dict[str, Any]]) -> set[Id]:
        """Look on the source topics for letters that were about to be sent."""
        starts: dict[tuple[str, int], int] = {}
        for note in unsure:
            for partition, end in json.loads(note["ends"]).items():
                log = (note["target"], int(partition))
                starts[log] = min(end, starts.get(log, end))
        names = {self._name_of(_id(note)): _id(note) for note in unsure}
        found: set[Id] = set()
        for (topic, partition), start in starts.items():
            for message in read_to_end(self._settings, topic, partition, start):
                name = dict(message.headers() or []).get(HEADER)
                if isinstance(name, bytes) and name.decode() in names:
                    found.add(names[name.decode()])
        return found

    def _note(self, state: str, replays: Sequence[Replay], known: int) -> int:
        """Commit a row a letter; a number that no other has tells it from another's commit."""
        if not replays:
            return known
        targets = sorted({replay.letter.topic for replay in replays})
        ends = {topic: self._ends(topic) if state == "sending" else "{}" for topic in targets}
        rows = [self._row(state, replay.letter, ends) for replay in replays]
        reached = max(known + 1, time.time_ns())
        staged = self._table.stage(pa.Table.from_pylist(rows, schema=SCHEMA))
        self._table.commit(staged, {self._app: known}, {self._app: reached})
        return reached

    def _row(self, state: str, letter: Letter, ends: dict[str, str]) -> dict[str, Any]:
        now = datetime.now(UTC)
        return {
            "kafka_log": self._identity,
            "kafka_topic": self._topic,
            "kafka_partition": letter.id[0],
            "kafka_offset": letter.id[1],
            "state": state,
            "target": letter.topic,
            "ends": ends[letter.topic],
            "time": now,
            PARTITION: now.date(),
        }

    def _ends(self, topic: str) -> str:
        count = partition_counts(self._settings, [topic])[topic]
        ends = {number: least_end(self._settings, topic, number) for number in range(count)}
        return json.dumps(ends)

    def _name_of(self, letter: Id) -> str:
        return f"{self._identity}/{self._topic}/{letter[0]}/{letter[1]}"


def _produce(producer: Producer, replay: Replay, name: str, delivered: list[Replay]) -> None:
    def on_delivery(error: KafkaError | None, _: Message) -> None:
        if error is None:
            delivered.append(replay)

    while True:
        try:
            producer.produce(
                replay.letter.topic,
                replay.value,
                replay.key,
                partition=-1 if replay.key else replay.letter.partition,
                timestamp=replay.letter.timestamp,
                headers={HEADER: name.encode()},
                on_delivery=on_delivery,
            )
            return
        except BufferError:
            producer.poll(0.1)
        except KafkaException as error:
            raise BrokerError(
                f"Kafka refused a letter of {len(replay.value)} bytes for {replay.letter.topic}:"
                f" {error.args[0].str()}; check REALTIME_KAFKA_OPTIONS, then replay again"
            ) from None


def _id(note: dict[str, Any]) -> Id:
    return note["kafka_partition"], note["kafka_offset"]

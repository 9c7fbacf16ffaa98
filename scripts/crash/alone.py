"""The run that nothing disturbs: the same learner on the same messages, in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pyarrow as pa
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka import Message as KafkaMessage

from flows.errors import BrokerError
from flows.learning import codec
from flows.learning.learner import Learner, State
from flows.learning.predictor import Predictor
from flows.projects.spec import Project
from flows.settings import Settings
from flows.streaming.cluster import identities
from flows.streaming.decode import decoder
from flows.streaming.learn import curve_metrics, learn
from flows.streaming.messages import Learned, Message, Polled, Source
from flows.streaming.rows import EventRows, OutcomeRows
from scripts import streams
from scripts.crash.account import Account, Point, Row, canonical

CHUNK = 1_000
PROBES = 200
PROBE_SEED = 991
ANSWER_SECONDS = 10.0
QUIET_SECONDS = 1.5

# Which lineage learnt a row depends on when a flow began, not on what it learnt.
NOT_COMPARED = ("model_lineage",)
PLACE = ("kafka_topic", "kafka_partition", "kafka_offset")


@dataclass(slots=True)
class Alone:
    """What an undisturbed run of a shard leaves, and the offsets of its dead letters."""

    account: Account
    rejected: set[tuple[str, int, int]]
    messages: int = 0


def run_alone(project: Project, settings: Settings, shard: int) -> Alone:
    """Read a shard's partition back and learn it in one go."""
    source = Source(project.topic, shard)
    identity = identities(settings, [project.topic])[project.topic]
    return learn_alone(project, source, identity, _read(settings, source))


def learn_alone(
    project: Project, source: Source, identity: str, batches: Iterable[list[Message]]
) -> Alone:
    """What a fresh learner makes of the messages of one partition."""
    learner, decode = Learner.fresh(project), decoder(project)
    alone = Alone(Account(), set())
    tables: dict[str, list[pa.Table]] = {}
    for messages in batches:
        alone.messages += len(messages)
        decoded = decode(Polled(source, identity, messages))
        alone.rejected |= {
            (source.topic, source.partition, one.message.offset) for one in decoded.rejected
        }
        _add(project, tables, alone.account.curve, learn(learner, decoded))
    alone.account.tables = {
        name: rows(project, pa.concat_tables(found)) for name, found in tables.items()
    }
    alone.account.learner = {**learnt(project, learner.state), **shown(project, learner.state)}
    return alone


def rows(project: Project, table: pa.Table) -> list[Row]:
    """Rows of either table, by their message and event."""
    names = table.column_names
    event = "event_id" if "event_id" in names else project.event_id
    kept = sorted(set(names) - set(NOT_COMPARED))
    return [
        (tuple(row[name] for name in (*PLACE, event)), canonical(row))
        for batch in table.select(kept).to_batches(CHUNK)
        for row in batch.to_pylist()
    ]


def point(name: str, step: int, time_ms: int, value: float) -> Point:
    """A point of a curve in MLflow."""
    return (name, step), canonical([time_ms, value])


def learnt(project: Project, state: State) -> dict[str, bytes]:
    """All of a learner that matters, part by part."""
    offsets = {log: at for log, at in state.offsets.items() if log.startswith(f"{project.topic}/")}
    parts = {
        "counts": state.counts,
        "metrics": curve_metrics(state),
        "report": state.report,
        "alarms": list(state.alarms),
        "waiting": list(state.waiting.items()),
        "remembered": list(state.remembered),
        "offsets": offsets,
        "clock": state.clock,
        "predictions": _answers(project, state.predictor),
    }
    return {name: canonical(part) for name, part in parts.items()}


def shown(project: Project, state: State) -> dict[str, bytes]:
    """What readers of the live model see of it."""
    counts = {**state.counts, "pending": len(state.waiting)}
    return live_parts(project, state.predictor, counts, state.metrics.values())


def live_parts(
    project: Project, predictor: Predictor, counts: dict[str, int], metrics: dict[str, float]
) -> dict[str, bytes]:
    """The live model and its facts, part by part."""
    parts = {"counts": counts, "metrics": metrics, "predictions": _answers(project, predictor)}
    return {f"live {name}": canonical(part) for name, part in parts.items()}


def load(frame: bytes, settings: Settings) -> Any:
    """What a signed frame holds."""
    return codec.loads(frame, settings.signing_key.get_secret_value().encode())


def _add(
    project: Project, tables: dict[str, list[pa.Table]], curve: list[Point], learned: Learned
) -> None:
    events = EventRows(project).table(learned, learned.events) if learned.events else None
    outcomes = OutcomeRows(project).table(learned, learned.outcomes) if learned.outcomes else None
    for name, table in ((project.topic, events), (f"{project.topic}_outcomes", outcomes)):
        if table is not None:
            tables.setdefault(name, []).append(table)
    curve += [
        point(name, one.events_learned, int(one.time * 1000), value)
        for one in learned.curve
        for name, value in one.metrics.items()
    ]


def _answers(project: Project, predictor: Predictor) -> list[Any]:
    """What is said of events that nobody has seen."""
    drawn = streams.events(project.slug, seed=PROBE_SEED, count=PROBES)
    probes = [msgspec.convert(value, project.event) for value in drawn]
    return [predictor.predict(project, one) for one in probes]


def _read(settings: Settings, source: Source) -> Iterator[list[Message]]:
    """All messages of a partition."""
    for raw in read_partition(settings, source.topic, source.partition):
        yield [
            Message(one.offset() or 0, one.timestamp()[1] / 1000, one.key(), one.value())
            for one in raw
        ]


def read_partition(settings: Settings, topic: str, partition: int) -> Iterator[list[KafkaMessage]]:
    """What a partition holds now, in order. Raises BrokerError when the broker falls silent.

    The end that a broker tells may be out of date (Tansu's is), so what comes after it counts too.
    """
    options: dict[str, Any] = {"bootstrap.servers": settings.kafka_bootstrap, "group.id": "crash"}
    consumer = Consumer({**options, "enable.auto.commit": False})
    try:
        where = TopicPartition(topic, partition, 0)
        low, high = consumer.get_watermark_offsets(where, ANSWER_SECONDS)
        consumer.assign([TopicPartition(topic, partition, low)])
        while True:
            raw = consumer.consume(CHUNK, ANSWER_SECONDS if low < high else QUIET_SECONDS)
            if not raw and low >= high:
                return
            if not raw or raw[-1].error():
                raise BrokerError(f"{topic}/{partition} cannot be read beyond offset {low}")
            low = (raw[-1].offset() or 0) + 1
            yield raw
    finally:
        consumer.close()

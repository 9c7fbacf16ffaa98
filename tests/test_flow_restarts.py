"""A flow that dies, moves, waits or is told to pause; labels that come late; two processes."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import polars as pl

from flows.projects import fraud
from flows.settings import Settings
from flows.sharding import shard_of
from flows.streaming.dataflow import build
from scripts.kafka import Record
from scripts.local.ports import free_port
from scripts.topics import ensure_topics
from tests.examples import fraud_events
from tests.flow_process import (
    FlowProcess,
    fraud_records,
    live,
    published,
    read_topic,
    rows,
    seen,
    send,
)
from tests.flow_remains import (
    PROJECT,
    answers,
    assert_each_offset_once,
    curve,
    learned,
    learnt_alone,
    registry,
)


def test_killed_again_and_again_it_is_as_if_it_had_never_been(
    surroundings: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = surroundings(start_from="earliest")
    store, records = live(settings), fraud_records(3_000)
    for sent, killed_at in ((slice(0, 1_000), 1), (slice(1_000, 2_000), 1_500)):
        with FlowProcess(settings, tmp_path / "recovery") as flow:
            trickle = threading.Thread(target=send_slowly, args=(settings, records[sent]))
            trickle.start()
            flow.until(lambda at=killed_at: seen(store) >= at)  # type: ignore[misc]
            flow.kill()
            trickle.join()
    send(settings, PROJECT.topic, records[2_000:])
    with FlowProcess(settings, tmp_path / "recovery") as flow:
        flow.until(lambda: seen(store) == len(records))
        flow.until(lambda: {1_000, 2_000, 3_000} <= curve(settings, store).keys())
        assert flow.stop() == 0
    alone = learnt_alone(read_topic(settings, PROJECT.topic, len(records)))
    facts, model = published(settings)
    assert facts.metrics == alone.state.metrics.values()
    assert facts.counts["learned"] == len(records)
    assert answers(model) == answers(alone.state.predictor)
    for table in (PROJECT.topic, f"{PROJECT.topic}_outcomes"):
        assert_each_offset_once(rows(settings, table), len(records))
    assert {len(once) for once in curve(settings, store).values()} == {1}


def send_slowly(settings: Settings, records: list[Record]) -> None:
    """In pieces, so that a flow takes them in over several epochs."""
    for start in range(0, len(records), 100):
        send(settings, PROJECT.topic, records[start : start + 100])
        time.sleep(0.2)


def test_labels_that_come_later_are_learnt(
    surroundings: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = surroundings(start_from="earliest")
    store, events = live(settings), fraud_events(300)
    send(settings, PROJECT.topic, fraud_records(300, labelled=False))
    with FlowProcess(settings, tmp_path / "recovery") as flow:
        flow.until(lambda: seen(store) == 300)
        facts = store.facts()
        assert facts is not None
        assert (facts.events_learned, facts.counts["pending"]) == (0, 300)
        send(settings, PROJECT.labels_topic, [label_of(event) for event in events])
        flow.until(lambda: learned(settings) == 300)
        assert flow.stop() == 0
    outcomes = rows(settings, f"{PROJECT.topic}_outcomes")
    assert_each_offset_once(outcomes, 300)
    assert set(outcomes["kafka_topic"]) == {PROJECT.labels_topic}
    assert outcomes["label"].to_list() == [event.is_fraud for event in events]
    assert outcomes["delay_seconds"].min() > 0  # type: ignore[operator]


def label_of(event: fraud.Transaction) -> Record:
    label = {
        "event_id": event.transaction_id,
        "label": event.is_fraud,
        "timestamp": event.timestamp,
    }
    return Record(event.user_id.encode(), msgspec.json.encode(label))


def test_a_paused_flow_leaves_messages_where_they_are(
    surroundings: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = surroundings(start_from="earliest")
    store = live(settings)
    store.want("paused")
    with FlowProcess(settings, tmp_path / "recovery") as flow:
        flow.until(lambda: (status := store.status()) and status.state == "paused")
        send(settings, PROJECT.topic, fraud_records(50))
        first = store.status()
        flow.until(lambda: store.status() != first)
        assert seen(store) == 0
        store.want("running")
        flow.until(lambda: seen(store) == 50)
        assert flow.stop() == 0


def test_without_its_topic_it_ends_and_says_what_to_do(
    surroundings: Callable[..., Settings], new_broker: Callable[[], str], tmp_path: Path
) -> None:
    settings = surroundings(kafka_bootstrap=new_broker(), start_from="earliest")
    empty = settings.model_copy(update={"kafka_bootstrap": new_broker()})
    with FlowProcess(empty, tmp_path / "recovery") as flow:
        assert flow.wait() == 1
    assert "python -m scripts.topics" in flow.output()


def test_resuming_in_another_cluster_ends_and_says_what_to_do(
    surroundings: Callable[..., Settings], new_broker: Callable[[], str], tmp_path: Path
) -> None:
    settings = surroundings(start_from="earliest")
    send(settings, PROJECT.topic, fraud_records(50))
    with FlowProcess(settings, tmp_path / "recovery") as flow:
        flow.until(lambda: seen(live(settings)) == 50)
        assert flow.stop() == 0
    elsewhere = settings.model_copy(update={"kafka_bootstrap": new_broker()})
    ensure_topics(PROJECT, elsewhere)
    with FlowProcess(elsewhere, tmp_path / "recovery") as flow:
        assert flow.wait() == 1
    assert "use an empty recovery directory" in flow.output()


def test_two_processes_learn_a_shard_each(
    surroundings: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = surroundings(start_from="earliest", shards=2)
    store, records = live(settings), fraud_records(600)
    expected = Counter(shard_of(record.key or b"", 2) for record in records)
    send(settings, PROJECT.topic, records)
    addresses = f"127.0.0.1:{free_port()};127.0.0.1:{free_port()}"
    recovery = tmp_path / "recovery"
    with (
        FlowProcess(settings, recovery, arguments=("-i", "0", "-a", addresses)) as one,
        FlowProcess(settings, recovery, arguments=("-i", "1", "-a", addresses)) as other,
    ):
        for shard in (0, 1):
            one.until(lambda at=shard: seen(store, at) == expected[at])  # type: ignore[misc]
        one.terminate()
        other.terminate()
        assert (one.wait(), other.wait()) == (0, 0)
    assert_rows_of_each_shard(settings, records)
    for shard in (0, 1):
        (version,) = registry(settings).versions(shard)[:1]
        assert version.events_learned == expected[shard]


def assert_rows_of_each_shard(settings: Settings, records: list[Record]) -> None:
    for shard in (0, 1):
        users = [r.key.decode() for r in records if r.key and shard_of(r.key, 2) == shard]
        frame = rows(settings, PROJECT.topic).filter(pl.col("kafka_partition") == shard)
        assert frame["user_id"].to_list() == users


def test_the_names_of_steps_are_frozen() -> None:
    """Recovery finds positions and learners by them; a renamed input would start all over."""
    stopped = threading.Event()
    stopped.set()
    flow = build(PROJECT, Settings(_env_file=None), stopped)
    assert flow.flow_id == "fraud"
    assert [step.step_id for step in flow.substeps] == [
        "fraud.kafka",
        "fraud.decode",
        "fraud.learn",
        "fraud.dead_letters",
        "fraud.lake",
        "fraud.redis",
        "fraud.mlflow",
    ]

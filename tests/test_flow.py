"""Whole flows as processes, between a real broker, Valkey, MLflow and a lake."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from confluent_kafka import Message
from mlflow import MlflowClient

from flows.learning import codec
from flows.learning.learner import Learner, State
from flows.projects import fraud
from flows.settings import Settings
from flows.sharding import shard_of
from flows.stores.live import Facts, LiveStore
from flows.stores.registry import Registry, need
from flows.streaming.dataflow import build
from flows.streaming.mlflow_sink import registry_of
from scripts.kafka import Record
from scripts.local import parts
from scripts.topics import ensure_topics
from tests.conftest import Servers, free_port
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

PROJECT = fraud.PROJECT
NEVER = 3600.0


@pytest.fixture(scope="module")
def tracking(
    servers: Servers, part_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> str:
    """An MLflow in which nobody has registered a fraud model."""
    port = free_port()
    servers.start(parts.mlflow(port, tmp_path_factory.mktemp("tracking"), part_env))
    return f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def new_broker(servers: Servers, part_env: dict[str, str]) -> Callable[[], str]:
    """Starts a broker whose topics are empty; each is another cluster."""
    numbers = count()

    def start() -> str:
        port = free_port()
        servers.start(parts.broker(port, f"cluster-{next(numbers)}", part_env))
        return f"127.0.0.1:{port}"

    return start


@pytest.fixture(scope="module")
def surroundings(
    redis_url: str,
    tracking: str,
    new_broker: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., Settings]:
    """Makes settings with an empty broker, Redis database and lake."""
    databases = count(3)

    def make(**others: Any) -> Settings:
        settings = Settings(
            _env_file=None,
            **{
                "kafka_bootstrap": new_broker(),
                "redis_url": redis_url.removesuffix("/0") + f"/{next(databases)}",
                "mlflow_uri": tracking,
                "lake_uri": str(tmp_path_factory.mktemp("lake")),
                "signing_key": "a key for flows",
                "publish_seconds": 0.1,
                "version_seconds": NEVER,
                **others,
            },
        )
        ensure_topics(PROJECT, settings)
        return settings

    return make


def registry(settings: Settings) -> Registry:
    return registry_of(PROJECT, settings)


def curve(settings: Settings, store: LiveStore) -> dict[int, list[Any]]:
    """The points of the live model's run in MLflow, by step; none before there is a run."""
    facts, client = store.facts(), MlflowClient(settings.mlflow_uri)
    experiment = client.get_experiment_by_name(PROJECT.topic)
    if facts is None or experiment is None:
        return {}
    lineage = f"tags.`realtime.lineage` = '{facts.lineage}'"
    points: dict[int, list[Any]] = {}
    for run in client.search_runs([experiment.experiment_id], lineage):
        for point in client.get_metric_history(run.info.run_id, "FBeta"):
            points.setdefault(point.step, []).append(point)
    return points


def learnt_alone(messages: list[Message]) -> Learner:
    """What a learner makes of the same messages in one go, without a flow."""
    learner = Learner.fresh(PROJECT)
    for message in messages:
        event = msgspec.json.decode(message.value() or b"", type=PROJECT.event)
        learner.observe(event, message.timestamp()[1] / 1000)
    return learner


def answers(model: Any) -> list[Any]:
    """What a model says of events it has not seen, and why."""
    probes = [PROJECT.features(event) for event in fraud_events(50, seed=99)]
    return [PROJECT.task.predict(model, features) for features in probes]


def assert_each_offset_once(frame: pl.DataFrame, expected: int) -> None:
    assert frame["kafka_offset"].to_list() == list(range(expected))


@dataclass(frozen=True)
class Run:
    """A flow that has ended, and what it was fed."""

    settings: Settings
    facts: Facts
    model: Any
    exit_code: int
    output: str


EVENTS = 1_200
BROKEN = {
    100: Record(b"a key", b"\xff\xfe not JSON"),
    200: Record(b"another", b'{"transaction_id": "1"}'),
    300: Record(None, b""),
}
"""What is sent at these offsets instead of an event."""


@pytest.fixture(scope="module")
def run(surroundings: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A flow over events with their labels and some broken messages, ended by SIGTERM."""
    settings = surroundings(version_seconds=0.1)
    records = fraud_records(EVENTS)
    sent = [BROKEN.get(number, record) for number, record in enumerate(records)]
    send(settings, PROJECT.topic, sent[:800])
    store = live(settings)
    with FlowProcess(settings, tmp_path_factory.mktemp("run") / "recovery") as flow:
        flow.until(lambda: seen(store) == 800 - len(BROKEN))
        send(settings, PROJECT.topic, sent[800:])
        flow.until(lambda: seen(store) == EVENTS - len(BROKEN))
        flow.until(lambda: store.status())
        flow.until(lambda: 1_000 in curve(settings, store))
        flow.until(lambda: registry(settings).versions())
        exit_code = flow.stop()
    facts, model = published(settings)
    return Run(settings, facts, model, exit_code, flow.output())


def test_a_terminated_flow_ends_in_order(run: Run) -> None:
    assert run.exit_code == 0
    assert "Traceback" not in run.output


def test_every_event_is_a_row(run: Run) -> None:
    frame = rows(run.settings, PROJECT.topic)
    sent = fraud_events(EVENTS)
    assert frame["kafka_offset"].to_list() == [i for i in range(EVENTS) if i not in BROKEN]
    ids = [event.transaction_id for number, event in enumerate(sent) if number not in BROKEN]
    assert frame["transaction_id"].to_list() == ids


def test_every_label_is_an_outcome(run: Run) -> None:
    frame = rows(run.settings, f"{PROJECT.topic}_outcomes")
    events = rows(run.settings, PROJECT.topic)
    assert frame["status"].unique().to_list() == ["matched"]
    assert frame["event_id"].to_list() == events["transaction_id"].to_list()
    assert frame["label"].to_list() == events["is_fraud"].to_list()
    assert frame["prediction_probability"].to_list() == events["prediction_probability"].to_list()
    assert frame["events_learned"].to_list() == list(range(EVENTS - len(BROKEN)))


def test_the_counts_are_those_of_the_messages(run: Run) -> None:
    good = EVENTS - len(BROKEN)
    assert run.facts.counts == {
        "events": good,
        "labels": 0,
        "learned": good,
        "matched": good,
        "expired": 0,
        "orphan": 0,
        "duplicate": 0,
        "dead_letters": len(BROKEN),
        "pending": 0,
    }
    assert run.facts.events_learned == good
    assert run.facts.version.endswith(f".{good}")


def test_the_live_model_is_what_a_learner_makes_of_the_same_messages(run: Run) -> None:
    messages = read_topic(run.settings, PROJECT.topic, EVENTS)
    alone = learnt_alone([one for one in messages if one.offset() not in BROKEN])
    assert run.facts.metrics == alone.state.metrics.values()
    assert answers(run.model) == answers(alone.state.model)


def test_broken_messages_are_dead_letters_with_their_origin(run: Run) -> None:
    messages = read_topic(run.settings, PROJECT.dead_letters_topic, len(BROKEN))
    found = {int(headers(one)["offset"]): one for one in messages}
    assert found.keys() == BROKEN.keys()
    for offset, record in BROKEN.items():
        letter = found[offset]
        assert (letter.key(), letter.value() or b"") == (record.key, record.value)
        assert headers(letter)["topic"] == PROJECT.topic
        assert headers(letter)["partition"] == "0"
    assert headers(found[200])["exception"] == "invalid"
    assert "user_id" in headers(found[200])["message"]
    assert headers(found[100])["exception"] == "undecodable"


def headers(letter: Message) -> dict[str, str]:
    found: Any = letter.headers()
    return {name.removeprefix("__realtime.errors."): value.decode() for name, value in found}


def test_the_curve_is_in_mlflow(run: Run) -> None:
    points = curve(run.settings, live(run.settings))
    assert {100, 500, 1_000} <= points.keys()
    assert {len(once) for once in points.values()} == {1}
    times = [once[0].timestamp for _, once in sorted(points.items())]
    assert times == sorted(times)


def test_a_version_is_registered_at_the_end(run: Run) -> None:
    newest, *_ = registry(run.settings).versions()
    assert newest.lineage == run.facts.lineage
    assert newest.events_learned == EVENTS - len(BROKEN)
    assert newest.score == run.facts.metrics["FBeta"]
    assert newest.metrics == run.facts.metrics
    assert registry(run.settings).champion() is not None
    mlflow_run = MlflowClient(run.settings.mlflow_uri).get_run(newest.run_id)
    assert mlflow_run.info.status == "FINISHED"


def test_the_flow_told_that_it_was_alive(run: Run) -> None:
    status = live(run.settings).status()
    assert status is not None
    assert status.state == "running"
    assert status.time > run.facts.published_at - 60


def test_the_history_of_metrics_is_in_redis(run: Run) -> None:
    history = live(run.settings).history()
    assert history[-1].events_learned == run.facts.events_learned
    assert history[-1].metrics == run.facts.metrics
    assert [one.events_learned for one in history] == sorted(
        {one.events_learned for one in history}
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
    assert answers(model) == answers(alone.state.model)
    for table in (PROJECT.topic, f"{PROJECT.topic}_outcomes"):
        assert_each_offset_once(rows(settings, table), len(records))
    assert {len(once) for once in curve(settings, store).values()} == {1}


def send_slowly(settings: Settings, records: list[Record]) -> None:
    """In pieces, so that a flow takes them in over several epochs."""
    for start in range(0, len(records), 100):
        send(settings, PROJECT.topic, records[start : start + 100])
        time.sleep(0.2)


def champion(settings: Settings) -> State:
    versions = registry(settings)
    found = need(versions.champion(), PROJECT.slug)
    key = settings.signing_key.get_secret_value().encode()
    state: State = codec.loads(versions.frame(found), key)
    return state


def test_in_a_new_cluster_it_goes_on_from_the_champion(
    run: Run, new_broker: Callable[[], str], tmp_path: Path
) -> None:
    settings = run.settings.model_copy(update={"kafka_bootstrap": new_broker()})
    ensure_topics(PROJECT, settings)
    records = fraud_records(300, seed=1)
    send(settings, PROJECT.topic, records)
    before = champion(settings)
    with FlowProcess(settings, tmp_path / "recovery") as flow:
        flow.until(lambda: seen(live(settings)) == before.counts["events"] + len(records))
        assert flow.stop() == 0
    facts, _ = published(settings)
    assert facts.lineage == before.lineage
    assert facts.generation > before.generation
    assert facts.events_learned == before.counts["learned"] + len(records)
    assert max(one.events_learned for one in registry(settings).versions()) == facts.events_learned
    frame = rows(settings, PROJECT.topic)
    per_log = dict(frame.group_by("kafka_log").len().iter_rows())
    assert sorted(per_log.values()) == [len(records), EVENTS - len(BROKEN)]


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


def learned(settings: Settings, shard: int = 0) -> int:
    facts = live(settings).facts(shard)
    return 0 if facts is None else facts.events_learned


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

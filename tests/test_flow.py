"""Whole flows as processes, between a real broker, Valkey, MLflow and a lake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from flows.settings import Settings
from flows.stores.live import Facts
from scripts.kafka import Record
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
    champion,
    curve,
    headers,
    learnt_alone,
    registry,
)


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
    assert frame["error"].to_list() == events["prediction_error"].to_list()
    assert events["prediction_error"].count() == events["prediction_probability"].count() > 0
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
        "alarms": run.facts.counts["alarms"],
        "pending": 0,
    }
    assert run.facts.events_learned == good
    assert run.facts.version.endswith(f".{good}")


def test_the_live_model_is_what_a_learner_makes_of_the_same_messages(run: Run) -> None:
    messages = read_topic(run.settings, PROJECT.topic, EVENTS)
    alone = learnt_alone([one for one in messages if one.offset() not in BROKEN])
    assert run.facts.metrics == alone.state.metrics.values()
    assert answers(run.model) == answers(alone.state.predictor)


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

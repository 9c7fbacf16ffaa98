"""What a flow left in the lake, in MLflow and in Redis, for tests to look at."""

from __future__ import annotations

from typing import Any

import msgspec
import polars as pl
from confluent_kafka import Message
from mlflow import MlflowClient

from flows.learning import codec
from flows.learning.learner import Learner, State
from flows.learning.predictor import Predictor
from flows.projects import fraud
from flows.settings import Settings
from flows.stores.live import LiveStore
from flows.stores.registry import Registry
from flows.streaming.mlflow_sink import registry_of
from tests.examples import fraud_events
from tests.flow_process import (
    live,
)

PROJECT = fraud.PROJECT
NEVER = 3600.0


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


def answers(predictor: Predictor) -> list[Any]:
    """What is said of events that nobody has seen."""
    return [predictor.predict(PROJECT, event) for event in fraud_events(50, seed=99)]


def assert_each_offset_once(frame: pl.DataFrame, expected: int) -> None:
    assert frame["kafka_offset"].to_list() == list(range(expected))


def headers(letter: Message) -> dict[str, str]:
    found: Any = letter.headers()
    return {name.removeprefix("__realtime.errors."): value.decode() for name, value in found}


def champion(settings: Settings) -> State:
    versions = registry(settings)
    found = versions.champion()
    assert found is not None
    key = settings.signing_key.get_secret_value().encode()
    state: State = codec.loads(versions.frame(found), key)
    return state


def ends(settings: Settings) -> dict[tuple[int, int], str]:
    """The status of every run in MLflow, by its lineage and shard."""
    client = MlflowClient(settings.mlflow_uri)
    experiment = client.get_experiment_by_name(PROJECT.topic)
    found = client.search_runs([experiment.experiment_id]) if experiment else []
    return {
        (int(run.data.tags["realtime.lineage"]), int(run.data.tags["realtime.shard"])): str(
            run.info.status
        )
        for run in found
    }


def learned(settings: Settings, shard: int = 0) -> int:
    facts = live(settings).facts(shard)
    return 0 if facts is None else facts.events_learned

"""One run a lineage and shard in a real MLflow, whoever asks first."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from flows.stores.tracking import CurvePoint, Tracking


@pytest.fixture
def topic(unique: Callable[[str], str]) -> str:
    return unique("topic")


def runs(uri: str, topic: str) -> list[Run]:
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(topic)
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id]))


def test_two_threads_that_ask_at_once_share_a_run(mlflow_uri: str, topic: str) -> None:
    tracking, barrier = Tracking(mlflow_uri, "visits", topic), Barrier(2)
    tracking.log_curve(1, 0, [CurvePoint(100, 5.0, {"F1": 0.5})])

    def log(step: int) -> None:
        barrier.wait()
        tracking.log_curve(2, 0, [CurvePoint(step, 5.0, {"F1": 0.5})])

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(log, (100, 200)))
    lineages = [run.data.tags["realtime.lineage"] for run in runs(mlflow_uri, topic)]
    assert sorted(lineages) == ["1", "2"]


def test_shards_that_began_in_the_same_millisecond_have_runs_of_their_own(
    mlflow_uri: str, topic: str
) -> None:
    for shard, value in ((0, 0.25), (1, 0.75)):
        Tracking(mlflow_uri, "visits", topic).log_curve(
            7, shard, [CurvePoint(100, 5.0, {"F1": value})]
        )
    found = {run.data.tags["realtime.shard"]: run for run in runs(mlflow_uri, topic)}
    assert {shard: run.data.metrics for shard, run in found.items()} == {
        "0": {"F1": 0.25},
        "1": {"F1": 0.75},
    }

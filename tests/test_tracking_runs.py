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


def point(step: int) -> list[CurvePoint]:
    return [CurvePoint(step, 5.0, {"F1": 0.5})]


def statuses(uri: str, topic: str) -> dict[tuple[str, str], str]:
    """The status of every run, by its lineage and shard."""
    return {
        (run.data.tags["realtime.lineage"], run.data.tags["realtime.shard"]): run.info.status
        for run in runs(uri, topic)
    }


def test_taking_over_closes_what_runs_in_the_same_shard(mlflow_uri: str, topic: str) -> None:
    died = Tracking(mlflow_uri, "visits", topic)
    for lineage, shard in ((1, 0), (2, 0), (3, 0), (2, 1)):
        died.log_curve(lineage, shard, point(100))
    died.finish(3, 0)
    Tracking(mlflow_uri, "visits", topic).take_over(2, 0)
    assert statuses(mlflow_uri, topic) == {
        ("1", "0"): "KILLED",
        ("2", "0"): "RUNNING",
        ("3", "0"): "FINISHED",
        ("2", "1"): "RUNNING",
    }


def test_taking_over_leaves_other_projects_alone(
    mlflow_uri: str, topic: str, unique: Callable[[str], str]
) -> None:
    other = unique("topic")
    Tracking(mlflow_uri, "sales", other).log_curve(1, 0, point(100))
    Tracking(mlflow_uri, "visits", topic).take_over(2, 0)
    assert statuses(mlflow_uri, other) == {("1", "0"): "RUNNING"}


def test_taking_over_opens_a_closed_run_and_makes_none(mlflow_uri: str, topic: str) -> None:
    first = Tracking(mlflow_uri, "visits", topic)
    first.log_curve(1, 0, point(100))
    first.finish(1, 0, "KILLED")
    assert statuses(mlflow_uri, topic) == {("1", "0"): "KILLED"}
    second = Tracking(mlflow_uri, "visits", topic)
    second.take_over(5, 0)
    assert statuses(mlflow_uri, topic) == {("1", "0"): "KILLED"}
    second.take_over(1, 0)
    assert statuses(mlflow_uri, topic) == {("1", "0"): "RUNNING"}


def test_a_lineage_without_a_run_is_finished_without_one(mlflow_uri: str, topic: str) -> None:
    Tracking(mlflow_uri, "visits", topic).finish(1, 0)
    assert runs(mlflow_uri, topic) == []

"""Versions and curves in a real MLflow."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from mlflow import MlflowClient
from msgspec.structs import replace

from flows.errors import ModelUnavailable, StoreError, VersionError
from flows.learning import codec
from flows.learning.learner import Learner
from flows.projects import fraud
from flows.stores.live import Facts
from flows.stores.registry import Registry, Version
from flows.stores.tracking import CurvePoint
from scripts.local.ports import free_port
from tests.examples import feed, fraud_events

KEY = b"a key for tests"
PROJECT = fraud.PROJECT

# MLflow warns of its own types when its loaders are imported.
pytestmark = pytest.mark.filterwarnings("ignore:.*type hint is inferred as AnyType:UserWarning")
SCORE = "FBeta"


@pytest.fixture
def registry(mlflow_uri: str, unique: Callable[[str], str]) -> Registry:
    """A project that nobody has registered anything of."""
    name = unique("registry")
    return Registry(mlflow_uri, name, f"topic-{name}", SCORE)


def facts(learned: int, *, score: float | None = 0.5, lineage: int = 100, shard: int = 0) -> Facts:
    return Facts(
        project=PROJECT.slug,
        shard=shard,
        lineage=lineage,
        generation=lineage,
        events_learned=learned,
        version=f"{lineage}.{learned}",
        published_at=0.0,
        event_time=None,
        metrics={"LogLoss": 0.25} | ({} if score is None else {SCORE: score}),
        report={},
        counts={"events": learned, "labels": 0},
        alarms=[],
    )


def aliases(registry: Registry, shard: int = 0) -> dict[int, tuple[str, ...]]:
    return {one.number: one.aliases for one in registry.versions(shard)}


def test_before_the_first_version_there_is_nothing(registry: Registry) -> None:
    assert registry.champion() is None
    assert registry.versions() == []


def test_a_version_tells_what_it_is(registry: Registry) -> None:
    made = registry.register(facts(1_000, score=0.75), b"a frame")
    (found,) = registry.versions()
    assert found == registry.champion()
    assert (found.number, found.aliases) == (1, ("champion",))
    assert (found.lineage, found.events_learned) == (100, 1_000)
    assert (found.score, found.metrics) == (0.75, {"LogLoss": 0.25, SCORE: 0.75})
    assert found.created > 1.7e9
    assert (made.number, made.run_id) == (found.number, found.run_id)


def test_registering_twice_makes_one_version(registry: Registry, mlflow_uri: str) -> None:
    first = registry.register(facts(10), b"a frame")
    again = Registry(mlflow_uri, registry.name(0), registry._topic, SCORE)
    assert again.register(facts(10), b"a frame").number == first.number
    assert len(registry.versions()) == 1


def test_a_version_never_changes(registry: Registry) -> None:
    """Learning anew from the same champion may reach the same count with other events."""
    registry.register(facts(10), b"what was registered")
    registry.register(facts(10), b"something else")
    (version,) = registry.versions()
    assert registry.frame(version) == b"what was registered"


def test_a_frame_comes_back_as_the_learner_it_was(registry: Registry) -> None:
    learner = Learner.fresh(PROJECT, lineage=100)
    feed(learner, fraud_events(300))
    registry.register(facts(300), codec.dumps(learner.state, KEY))
    champion = registry.champion()
    assert champion is not None
    restored = Learner(PROJECT, codec.loads(registry.frame(champion), KEY))
    assert restored.state.metrics.values() == learner.state.metrics.values()
    more = fraud_events(50, seed=1)
    assert feed(restored, more) == feed(learner, more)


def test_less_is_better_where_the_task_says_so(
    mlflow_uri: str, unique: Callable[[str], str]
) -> None:
    name = unique("registry")
    registry = Registry(mlflow_uri, name, f"topic-{name}", SCORE, maximize=False)
    for number, score in enumerate([500.0, 505.0, 600.0]):
        registry.register(facts(100 * number + 100, score=score), b"")
    assert aliases(registry) == {3: (), 2: ("champion",), 1: ("previous",)}


def test_a_version_tells_the_last_alarms(registry: Registry) -> None:
    rung = replace(facts(10), alarms=[{"watched": "amount", "n": n} for n in range(12)])
    made = registry.register(rung, b"")
    client = MlflowClient(registry._uri)
    tags = client.get_model_version(registry.name(0), str(made.number)).tags
    assert '"watched":"amount"' in tags["realtime.alarms"]
    assert '"n":11' in tags["realtime.alarms"]
    assert '"n":1}' not in tags["realtime.alarms"]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        pytest.param([0.5, 0.6], {2: ("champion",), 1: ("previous",)}, id="better"),
        pytest.param([0.5, 0.495], {2: ("champion",), 1: ("previous",)}, id="hardly worse"),
        pytest.param([0.5, 0.3], {2: (), 1: ("champion",)}, id="clearly worse"),
        pytest.param([0.5, None], {2: (), 1: ("champion",)}, id="without score"),
        pytest.param([None, 0.1], {2: ("champion",), 1: ("previous",)}, id="after none"),
        pytest.param([None, None], {2: ("champion",), 1: ("previous",)}, id="none at all"),
        pytest.param(
            [0.5, 0.3, 0.6], {3: ("champion",), 2: (), 1: ("previous",)}, id="previous champion"
        ),
    ],
)
def test_the_better_one_is_champion_and_the_former_is_kept(
    registry: Registry, scores: list[float | None], expected: dict[int, tuple[str, ...]]
) -> None:
    for number, score in enumerate(scores):
        registry.register(facts(100 * number + 100, score=score), b"")
    assert aliases(registry) == expected


def test_versions_are_newest_first(registry: Registry) -> None:
    for learned in (10, 20, 30):
        registry.register(facts(learned), b"")
    assert [one.events_learned for one in registry.versions()] == [30, 20, 10]


def test_shards_have_models_of_their_own(registry: Registry) -> None:
    registry.register(facts(10), b"zero")
    registry.register(facts(20, shard=1, lineage=101), b"one")
    (zero,), (one,) = registry.versions(0), registry.versions(1)
    assert (zero.events_learned, one.events_learned) == (10, 20)
    assert registry.frame(one) == b"one"
    assert registry.name(1) == f"{registry.name(0)}-1"


def curve_of(mlflow_uri: str, version: Version, name: str) -> list[Any]:
    return list(MlflowClient(mlflow_uri).get_metric_history(version.run_id, name))


def test_points_sent_twice_are_stored_once(registry: Registry, mlflow_uri: str) -> None:
    points = [CurvePoint(step, 1e9 + step, {SCORE: step / 100, "F1": 0.5}) for step in range(1, 31)]
    registry.log_curve(100, 0, points[:20])
    registry.log_curve(100, 0, points[:20])
    registry.log_curve(100, 0, points[10:])
    version = registry.register(facts(30), b"")
    curve = curve_of(mlflow_uri, version, SCORE)
    assert [(one.step, one.value) for one in curve] == [(i, i / 100) for i in range(1, 31)]
    assert curve[0].timestamp == 1_000_000_001_000
    assert len(curve_of(mlflow_uri, version, "F1")) == 30


def test_many_points_are_sent(registry: Registry, mlflow_uri: str) -> None:
    points = [CurvePoint(i, 1e9, dict.fromkeys("abcdefghij", float(i))) for i in range(150)]
    registry.log_curve(100, 0, points)
    version = registry.register(facts(150), b"")
    assert len(curve_of(mlflow_uri, version, "j")) == 150


def test_a_lineage_is_one_run_that_goes_on(registry: Registry, mlflow_uri: str) -> None:
    first = registry.register(facts(10), b"")
    registry.finish(100, 0)
    client = MlflowClient(mlflow_uri)
    assert client.get_run(first.run_id).info.status == "FINISHED"
    later = Registry(mlflow_uri, registry.name(0), registry._topic, SCORE)
    second = later.register(facts(20), b"")
    assert second.run_id == first.run_id
    assert client.get_run(first.run_id).info.status == "RUNNING"
    other = later.register(facts(20, lineage=200), b"")
    assert other.run_id != first.run_id


def test_a_curve_and_a_version_at_the_same_time_are_of_one_run(
    registry: Registry, mlflow_uri: str
) -> None:
    """The flow sends both from threads of their own."""
    registry.versions()  # so that neither waits for MLflow's import
    points = [CurvePoint(1, 1.0, {SCORE: 0.5})]
    with ThreadPoolExecutor(4) as threads:
        curves = [threads.submit(registry.log_curve, 100, 0, points) for _ in range(3)]
        version = threads.submit(registry.register, facts(1), b"").result()
        for curve in curves:
            curve.result()
    run = MlflowClient(mlflow_uri).get_run(version.run_id)
    assert len(MlflowClient(mlflow_uri).search_runs([run.info.experiment_id])) == 1
    assert len(curve_of(mlflow_uri, version, SCORE)) == 1


ATTEMPTS: dict[str, Callable[[Registry], Any]] = {
    "champion": lambda registry: registry.champion(),
    "versions": lambda registry: registry.versions(),
    "register": lambda registry: registry.register(facts(1), b""),
    "log_curve": lambda registry: registry.log_curve(1, 0, [CurvePoint(1, 1.0, {"a": 1.0})]),
    "finish": lambda registry: registry.finish(1, 0),
}


@pytest.mark.parametrize("name", ATTEMPTS)
def test_without_mlflow_every_attempt_is_a_store_error(name: str) -> None:
    registry = Registry(f"http://127.0.0.1:{free_port()}", "fraud", "topic", SCORE)
    with pytest.raises(StoreError, match="REALTIME_MLFLOW_URI") as caught:
        ATTEMPTS[name](registry)
    assert not isinstance(caught.value, ModelUnavailable)


@pytest.mark.parametrize("lost", [{"events_learned": 11}, {"run_id": "0" * 32}])
def test_a_version_whose_file_is_gone_says_so(registry: Registry, lost: dict[str, Any]) -> None:
    version = replace(registry.register(facts(10), b""), **lost)
    with pytest.raises(VersionError, match="version 1 has lost its learner"):
        registry.frame(version)


def test_a_version_of_an_mlflow_that_is_away_is_a_store_error(registry: Registry) -> None:
    version = registry.register(facts(10), b"")
    away = Registry(f"http://127.0.0.1:{free_port()}", registry.name(0), registry._topic, SCORE)
    with pytest.raises(StoreError, match="fetch version 1"):
        away.frame(version)


def test_the_champion_before_is_found(registry: Registry) -> None:
    assert registry.previous() is None
    registry.register(facts(10, score=0.5), b"")
    assert registry.previous() is None
    registry.register(facts(20, score=0.6), b"")
    found = registry.previous()
    assert found is not None
    assert (found.number, found.aliases) == (1, ("previous",))

"""Curves and versions on their way to a real MLflow; what it has not confirmed is kept."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from mlflow import MlflowClient

from flows.learning import codec
from flows.learning.learner import Learner
from flows.projects import fraud
from flows.projects.spec import Project
from flows.settings import Settings
from flows.stores.live import Facts
from flows.streaming import background, guard, mlflow_sink
from flows.streaming.messages import Curve, Learned, Publication
from flows.streaming.mlflow_sink import MlflowPartition, MlflowSink, Outbox, registry_of
from scripts.local.ports import free_port
from tests.flow_process import until
from tests.polls import learned

LINEAGE = 7
KEY = b"a key"

# MLflow warns of its own types when its loaders are imported.
pytestmark = pytest.mark.filterwarnings("ignore:.*type hint is inferred as AnyType:UserWarning")


@pytest.fixture
def project(unique: Callable[[str], str]) -> Project:
    name = unique("sink")
    return replace(fraud.PROJECT, slug=name, topic=f"topic-{name}")


@pytest.fixture
def settings(mlflow_uri: str) -> Settings:
    return Settings(_env_file=None, mlflow_uri=mlflow_uri, shards=2)


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings for an MLflow that is not there; one try has to do, and a short farewell."""
    monkeypatch.setattr(background, "FIRST_PAUSE", 3600.0)
    monkeypatch.setattr(mlflow_sink, "CURVE_FAREWELL_SECONDS", 0.1)
    monkeypatch.setattr(mlflow_sink, "VERSION_FAREWELL_SECONDS", 0.1)
    return Settings(_env_file=None, mlflow_uri=f"http://127.0.0.1:{free_port()}")


@pytest.fixture(autouse=True)
def failed(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The guard's memory, without what other tests did."""
    memory = threading.Event()
    monkeypatch.setattr(guard, "_failed", memory)
    return memory


def sink(
    project: Project,
    settings: Settings,
    outbox: Outbox | None = None,
    stop: threading.Event | None = None,
) -> MlflowPartition:
    """A partition of a flow that is told to stop, unless `stop` says something else."""
    stop = stop or told_to_stop()
    return MlflowSink(project, settings, stop).build_part("mlflow", "0000", outbox)


def told_to_stop() -> threading.Event:
    stop = threading.Event()
    stop.set()
    return stop


def points(project: Project, *steps: int) -> Learned:
    curve = [Curve(step, 1e9 + step, {"FBeta": step / 1000}) for step in steps]
    return msgspec.structs.replace(learned(project, []), curve=curve)


def version(project: Project, count: int) -> Learned:
    """A publication that asks for a version."""
    state = Learner.fresh(project, lineage=LINEAGE).state
    state.counts["learned"] = count
    facts = Facts.of(project.slug, 0, state, 1e9)
    publication = Publication(facts, b"", codec.dumps(count, KEY))
    return msgspec.structs.replace(learned(project, []), publication=publication)


def curve(project: Project, settings: Settings) -> list[tuple[int, float]]:
    """What MLflow has of the project's only run."""
    client = MlflowClient(settings.mlflow_uri)
    experiment = client.get_experiment_by_name(project.topic)
    if experiment is None:
        return []
    (run,) = client.search_runs([experiment.experiment_id])
    return [(one.step, one.value) for one in client.get_metric_history(run.info.run_id, "FBeta")]


def test_points_reach_mlflow_and_leave_the_outbox(project: Project, settings: Settings) -> None:
    part = sink(project, settings)
    part.write_batch([points(project, 100, 200), points(project), points(project, 300)])
    until(lambda: part.snapshot()[1] == [])
    part.close()
    assert curve(project, settings) == [(100, 0.1), (200, 0.2), (300, 0.3)]


def ends(project: Project, settings: Settings) -> dict[str, str]:
    """The status of every run of the project, by its lineage."""
    client: Any = MlflowClient(settings.mlflow_uri)
    experiment = client.get_experiment_by_name(project.topic)
    found = client.search_runs([experiment.experiment_id]) if experiment else []
    return {run.data.tags["realtime.lineage"]: run.info.status for run in found}


@pytest.mark.parametrize(
    ("stopped", "broken", "end"),
    [
        pytest.param(True, False, "FINISHED", id="told to stop"),
        pytest.param(False, False, "KILLED", id="another process died"),
        pytest.param(False, True, "FAILED", id="a step failed"),
        pytest.param(True, True, "FAILED", id="a step failed while stopping"),
    ],
)
def test_a_run_ends_as_its_flow_does(
    project: Project,
    settings: Settings,
    failed: threading.Event,
    stopped: bool,
    broken: bool,
    end: str,
) -> None:
    stop = threading.Event()
    part = sink(project, settings, stop=stop)
    part.write_batch([points(project, 100)])
    until(lambda: part.snapshot()[1] == [])
    assert ends(project, settings) == {str(LINEAGE): "RUNNING"}
    if stopped:
        stop.set()
    if broken:
        failed.set()
    part.close()
    assert ends(project, settings) == {str(LINEAGE): end}


def test_a_flow_that_dies_hands_over_no_version_of_an_epoch_that_may_be_lost(
    project: Project, settings: Settings
) -> None:
    part = sink(project, settings, stop=threading.Event())
    part.write_batch([version(project, 1_000), points(project, 100)])
    part.snapshot()
    part.close()
    assert registry_of(project, settings).versions() == []


def test_a_flow_closes_the_runs_of_those_that_died_before_it(
    project: Project, settings: Settings
) -> None:
    before = sink(project, settings)
    before.write_batch([points(project, 100)])
    until(lambda: before.snapshot()[1] == [])
    after = sink(project, settings)
    after.write_batch([msgspec.structs.replace(points(project, 100), lineage=LINEAGE + 1)])
    until(lambda: after.snapshot()[1] == [])
    assert ends(project, settings) == {str(LINEAGE): "KILLED", str(LINEAGE + 1): "RUNNING"}
    after.close()


def test_a_flow_that_goes_on_with_a_lineage_says_so_with_its_first_epoch(
    project: Project, settings: Settings
) -> None:
    first = sink(project, settings)
    first.write_batch([points(project, 100)])
    until(lambda: first.snapshot()[1] == [])
    outbox = first.snapshot()
    first.close()
    assert ends(project, settings) == {str(LINEAGE): "FINISHED"}
    second = sink(project, settings, outbox)
    second.snapshot()
    until(lambda: ends(project, settings) == {str(LINEAGE): "RUNNING"})
    second.close()


def test_an_epoch_without_points_leaves_no_run(project: Project, settings: Settings) -> None:
    part = sink(project, settings)
    part.write_batch([points(project)])
    part.close()
    assert ends(project, settings) == {}


def test_points_sent_again_after_a_crash_are_stored_once(
    project: Project, settings: Settings
) -> None:
    first = sink(project, settings)
    first.write_batch([points(project, 100, 200)])
    until(lambda: first.snapshot()[1] == [])
    second = sink(project, settings)
    second.write_batch([points(project, 100, 200, 300)])
    second.close()
    assert curve(project, settings) == [(100, 0.1), (200, 0.2), (300, 0.3)]


def test_without_mlflow_points_are_kept_in_the_state(project: Project, nowhere: Settings) -> None:
    part = sink(project, nowhere)
    part.write_batch([points(project, 100)])
    part.write_batch([points(project, 200)])
    lineage, kept = part.snapshot()
    part.close()
    assert lineage == LINEAGE
    assert [step for step, _, _ in kept] == [100, 200]


def test_what_was_kept_is_sent_after_a_restart(
    project: Project, nowhere: Settings, settings: Settings
) -> None:
    before = sink(project, nowhere)
    before.write_batch([points(project, 100, 200)])
    outbox: Outbox = pickle.loads(pickle.dumps(before.snapshot()))  # noqa: S301 - our own
    before.close()
    after = sink(project, settings, outbox)
    until(lambda: after.snapshot()[1] == [])
    after.close()
    assert curve(project, settings) == [(100, 0.1), (200, 0.2)]


def test_the_state_stays_bounded_while_mlflow_is_away(
    project: Project,
    nowhere: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(mlflow_sink, "OUTBOX_POINTS", 5)
    part = sink(project, nowhere)
    for step in range(100, 900, 100):
        part.write_batch([points(project, step)])
    assert [step for step, _, _ in part.snapshot()[1]] == [400, 500, 600, 700, 800]
    part.close()
    assert "giving 1 points up" in caplog.text


def test_a_version_is_registered(project: Project, settings: Settings) -> None:
    part = sink(project, settings)
    part.write_batch([version(project, 1_000)])
    part.snapshot()
    part.close()
    registry = registry_of(project, settings)
    champion = registry.champion()
    assert champion is not None
    assert champion.events_learned == 1_000
    assert codec.loads(registry.frame(champion), KEY) == 1_000


def test_a_version_waits_until_its_epoch_has_closed(project: Project, settings: Settings) -> None:
    part, registry = sink(project, settings), registry_of(project, settings)
    part.write_batch([version(project, 1_000)])
    part.write_batch([points(project, 1_100)])
    until(lambda: part.snapshot()[1] == [])
    assert registry.versions() == []
    part.write_batch([version(project, 2_000)])
    until(lambda: [one.events_learned for one in registry.versions()] == [1_000])
    part.close()
    assert [one.events_learned for one in registry.versions()] == [1_000]


def test_the_newest_of_many_versions_is_registered(project: Project, settings: Settings) -> None:
    part = sink(project, settings)
    part.write_batch([version(project, count) for count in range(1, 30)])
    part.snapshot()
    part.close()
    versions = registry_of(project, settings).versions()
    assert versions[0].events_learned == 29
    assert len(versions) < 29


def test_a_model_that_is_only_published_is_no_version(project: Project, settings: Settings) -> None:
    part = sink(project, settings)
    whole = version(project, 10)
    assert whole.publication is not None
    shown = msgspec.structs.replace(whole.publication, learner=None)
    part.write_batch([msgspec.structs.replace(whole, publication=shown)])
    part.close()
    assert registry_of(project, settings).versions() == []


def test_one_partition_for_each_shard(project: Project, settings: Settings) -> None:
    found = MlflowSink(project, settings, told_to_stop())
    assert found.list_parts() == ["0000", "0001"]
    assert [found.part_fn(key) for key in ("0", "1")] == [0, 1]

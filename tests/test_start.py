"""Where a flow without recovery state begins."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END

from flows.errors import ModelUnavailable, SignatureError
from flows.learning import codec
from flows.learning.learner import Learner
from flows.projects import fraud
from flows.projects.spec import Project
from flows.settings import Settings
from flows.stores.live import Facts
from flows.stores.registry import Registry
from flows.streaming.learn import learn
from flows.streaming.messages import Decoded, Source
from flows.streaming.mlflow_sink import registry_of
from flows.streaming.start import Start
from scripts.local.ports import free_port
from tests.examples import fraud_events
from tests.polls import decoded

KEY = "a key for tests"
LOG = "the-cluster/the-topic"
EVENTS = 250

# MLflow warns of its own types when its loaders are imported.
pytestmark = pytest.mark.filterwarnings("ignore:.*type hint is inferred as AnyType:UserWarning")


@pytest.fixture(scope="module")
def project(unique: Callable[[str], str]) -> Project:
    name = unique("start")
    return replace(fraud.PROJECT, slug=name, topic=f"topic-{name}")


@pytest.fixture(scope="module")
def settings(mlflow_uri: str) -> Settings:
    return Settings(_env_file=None, mlflow_uri=mlflow_uri, signing_key=KEY)


@pytest.fixture(scope="module")
def champion(project: Project, settings: Settings) -> Learner:
    """A registered learner that has read offsets 0 to 249 of the events."""
    learner = Learner.fresh(project, lineage=11)
    source = Source(project.topic, 0)
    learn(learner, decoded(source, fraud_events(EVENTS), identity=LOG))
    register(project, settings, learner)
    return learner


def register(project: Project, settings: Settings, learner: Learner) -> None:
    facts = Facts.of(project.slug, 0, learner.state, 0.0)
    registry_of(project, settings).register(facts, codec.dumps(learner.state, KEY.encode()))


def start(project: Project, settings: Settings, **changes: Any) -> Start:
    told = settings.model_copy(update=changes)
    return Start(project, told, registry_of(project, told), threading.Event())


@pytest.fixture
def unknown(project: Project, unique: Callable[[str], str]) -> Project:
    """A project without champion."""
    return replace(project, slug=unique("unknown"))


def test_without_champion_a_learner_is_fresh(unknown: Project, settings: Settings) -> None:
    before = int(time.time() * 1000)
    state = start(unknown, settings).learner(0).state
    assert state.counts["events"] == 0
    assert before <= state.lineage == state.generation <= int(time.time() * 1000)


def test_without_champion_a_log_is_read_from_its_start(
    unknown: Project, settings: Settings
) -> None:
    assert start(unknown, settings).offset(Source(unknown.topic, 0), LOG) == OFFSET_BEGINNING


def test_the_champion_goes_on_as_a_new_generation(
    project: Project, settings: Settings, champion: Learner
) -> None:
    state = start(project, settings).learner(0).state
    assert state.lineage == champion.state.lineage
    assert state.generation > champion.state.generation
    assert state.counts == champion.state.counts
    assert state.metrics.values() == champion.state.metrics.values()


@pytest.mark.usefixtures("champion")
def test_the_champions_log_is_read_after_what_it_took_in(
    project: Project, settings: Settings
) -> None:
    assert start(project, settings).offset(Source(project.topic, 0), LOG) == EVENTS


@pytest.mark.usefixtures("champion")
@pytest.mark.parametrize("log", ["another-cluster/the-topic", "the-cluster/made-anew"])
def test_another_log_is_read_from_its_start(
    project: Project, settings: Settings, caplog: pytest.LogCaptureFixture, log: str
) -> None:
    assert start(project, settings).offset(Source(project.topic, 0), log) == OFFSET_BEGINNING
    assert "another log" in caplog.text


@pytest.mark.usefixtures("champion")
@pytest.mark.parametrize(
    ("start_from", "offset"), [("earliest", OFFSET_BEGINNING), ("latest", OFFSET_END)]
)
def test_a_start_without_the_champion(
    project: Project, settings: Settings, start_from: str, offset: int
) -> None:
    found = start(project, settings, start_from=start_from)
    assert found.offset(Source(project.topic, 0), LOG) == offset
    assert found.learner(0).state.counts["events"] == 0


@pytest.mark.usefixtures("champion")
def test_another_shard_has_no_champion(project: Project, settings: Settings) -> None:
    found = start(project, settings)
    assert found.learner(1).state.counts["events"] == 0
    assert found.offset(Source(project.topic, 1), LOG) == OFFSET_BEGINNING


@pytest.mark.usefixtures("champion")
def test_learner_and_sources_start_from_the_same_version(
    project: Project, settings: Settings, champion: Learner
) -> None:
    """A version that is made in between must not move only one of them."""
    found = start(project, settings)
    offset = found.offset(Source(project.topic, 0), LOG)
    more = Learner(project, codec.loads(codec.dumps(champion.state, b""), b""))
    source = Source(project.topic, 0)
    learn(more, decoded(source, fraud_events(50, seed=1), first=EVENTS, identity=LOG))
    register(project, settings, more)
    assert found.learner(0).state.counts["events"] == offset == EVENTS


def test_a_champion_that_has_read_nothing_of_a_log_goes_on_where_it_began(
    project: Project, settings: Settings, unique: Callable[[str], str]
) -> None:
    """Begun at the end of a log, or of one whose start is gone, and saved before a message came."""
    quiet = replace(project, slug=unique("quiet"))
    learner = Learner.fresh(quiet)
    source = Source(quiet.topic, 0)
    learn(learner, Decoded(source, LOG, [], [], 0, position=7))
    register(quiet, settings, learner)
    assert start(quiet, settings).offset(source, LOG) == 7


def test_in_another_log_the_offsets_of_the_first_count_no_more(project: Project) -> None:
    learner, source = Learner.fresh(project), Source(project.topic, 0)
    learn(learner, Decoded(source, LOG, [], [], 0, position=1_000))
    learn(learner, Decoded(source, "another log", [], [], 0, position=3))
    assert learner.state.offsets == {str(source): 2}


@pytest.mark.usefixtures("champion")
def test_with_another_key_nothing_is_loaded(project: Project, settings: Settings) -> None:
    other = Settings(_env_file=None, mlflow_uri=settings.mlflow_uri, signing_key="another")
    with pytest.raises(SignatureError):
        start(project, other).learner(0)


def test_without_mlflow_it_asks_again_and_then_says_what_to_do(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("flows.streaming.start.PATIENCE_SECONDS", 2.0)
    nowhere = Settings(_env_file=None, mlflow_uri=f"http://127.0.0.1:{free_port()}")
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(ModelUnavailable, match="REALTIME_START_FROM=earliest"),
    ):
        start(project, nowhere).learner(0)
    assert "asking again" in caplog.text


def test_a_stopped_flow_does_not_wait_for_mlflow(project: Project) -> None:
    nowhere = Settings(_env_file=None, mlflow_uri=f"http://127.0.0.1:{free_port()}")
    stop = threading.Event()
    stop.set()
    registry: Registry = registry_of(project, nowhere)
    with pytest.raises(ModelUnavailable):
        Start(project, nowhere, registry, stop).learner(0)

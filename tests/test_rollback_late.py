"""A running flow of two processes and shards, whose labels come late, obeys commands."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from mlflow import MlflowClient

from api.served_predictions import Ledger
from flows.settings import Settings
from flows.sharding import shard_of
from flows.stores.commands import Command, CommandStore
from flows.stores.connection import connect
from flows.stores.live import Facts
from flows.stores.predictions import PredictionStore, ServedPrediction
from flows.stores.registry import Version
from scripts.local.ports import free_port
from tests.examples import fraud_events
from tests.flow_process import FlowProcess, fraud_records, live, rows, send
from tests.flow_remains import PROJECT, assert_each_offset_once, registry
from tests.test_flow_restarts import label_of

EARLY, LATE = 300, 200
EVENTS = fraud_events(EARLY + LATE)
SHARD = 1
OF_SHARD = [shard_of(event.user_id.encode(), 2) == SHARD for event in EVENTS]
ALL = sum(OF_SHARD)

pytestmark = pytest.mark.filterwarnings("ignore:.*type hint is inferred as AnyType:UserWarning")


@dataclass
class Running:
    """The flow, and a version of a shard before most labels had come."""

    flow: FlowProcess
    settings: Settings
    version: Version

    @property
    def commands(self) -> CommandStore:
        return CommandStore(connect(self.settings.redis_url.get_secret_value()), PROJECT.slug)

    def facts(self, shard: int = SHARD) -> Facts:
        found = live(self.settings).facts(shard)
        assert found is not None
        return found

    def tell(self, kind: Any, shard: int = SHARD, **what: Any) -> Command:
        """Send a command, and wait until it no longer waits."""
        number = max(int(time.time() * 1000), self.facts(shard).command + 1)
        told = {"who": "a test", "why": "to see", "time": time.time(), **what}
        command = Command(number=number, kind=kind, **told)
        self.commands.send(shard, command)
        self.flow.until(lambda: self.commands.waiting(shard) is None)
        return command

    def learnt(self, shard: int = SHARD) -> int:
        found = live(self.settings).facts(shard)
        return 0 if found is None else found.counts["learned"]


@pytest.fixture(scope="module")
def running(
    surroundings: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    settings = surroundings(start_from="earliest", shards=2, version_seconds=0.5)
    recovery = tmp_path_factory.mktemp("flow") / "recovery"
    addresses = f"127.0.0.1:{free_port()};127.0.0.1:{free_port()}"
    records = fraud_records(len(EVENTS), labelled=False)
    serve(settings)
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(
                FlowProcess(settings, recovery, arguments=("-i", number, "-a", addresses))
            )
            for number in "01"
        )
        send(settings, PROJECT.topic, records[:EARLY])
        send(settings, PROJECT.labels_topic, map(label_of, EVENTS[: EARLY // 2]))
        version = one.until(lambda: version_of(settings))
        assert version is not None
        made = Running(one, settings, version)
        send(settings, PROJECT.topic, records[EARLY:])
        send(settings, PROJECT.labels_topic, map(label_of, EVENTS[EARLY // 2 :]))
        one.until(lambda: (made.learnt(0), made.learnt(1)) == (len(EVENTS) - ALL, ALL))
        yield made
        one.terminate()
        other.terminate()
        assert (one.wait(), other.wait()) == (0, 0)


def version_of(settings: Settings) -> Version | None:
    """The newest version of the shard, once there is one that has learnt something."""
    newest = registry(settings).versions(SHARD)[:1]
    return newest[0] if newest and newest[0].events_learned else None


def serve(settings: Settings) -> None:
    """Keep predictions of the first ten events, as the API does when it has been asked."""
    said = msgspec.to_builtins(PROJECT.task.prediction(0.5, 1, 0.5))
    ledger(settings).store.keep(
        [
            ServedPrediction(f"{n:036d}", one.transaction_id, one.user_id, "live", "v", 1.0, said)
            for n, one in enumerate(EVENTS[:10])
        ],
        time.time(),
    )


def ledger(settings: Settings) -> Ledger:
    client = connect(settings.redis_url.get_secret_value())
    horizon = PROJECT.horizon.total_seconds()
    return Ledger(PROJECT, PredictionStore(client, PROJECT.slug, horizon), b"a key for tests")


def test_labels_on_the_topic_score_what_was_served(running: Running) -> None:
    scoring = ledger(running.settings)

    def count() -> int:
        scoring.score()
        return scoring.told["live"].count if "live" in scoring.told else 0

    running.flow.until(lambda: count() == 10)
    expected = PROJECT.task.metrics()
    for event in EVENTS[:10]:
        expected.update(event.is_fraud, PROJECT.task.prediction(0.5, 1, 0.5), 1.0)
    assert scoring.told["live"].metrics == expected.values()


def test_a_shard_goes_back_with_its_late_labels_and_the_other_goes_on(running: Running) -> None:
    before, other = running.facts(), running.facts(0)
    assert running.version.events_learned < ALL
    command = running.tell("rollback", version=running.version.number)
    running.flow.until(lambda: running.facts().command == command.number)
    running.flow.until(lambda: running.learnt() == ALL)
    after = running.facts()
    assert after.generation > before.generation
    assert {name: after.counts[name] for name in ("events", "labels", "matched", "pending")} == {
        name: before.counts[name] for name in ("events", "labels", "matched", "pending")
    }
    assert after.offsets == before.offsets
    assert [one.version for one in after.changes][-1] == running.version.number
    unmoved = running.facts(0)
    assert (unmoved.command, unmoved.events_learned) == (other.command, other.events_learned)
    running.flow.until(lambda: rows_of(running, "").height == ALL)
    assert_each_offset_once(rows_of(running, ""), ALL)
    outcomes = rows_of(running, "_outcomes")
    assert outcomes["event_id"].n_unique() == outcomes.height == ALL


def rows_of(running: Running, table: str) -> Any:
    frame = rows(running.settings, PROJECT.topic + table)
    return frame.filter(frame["kafka_partition"] == SHARD)


def test_a_challenger_leads_and_the_former_champion_comes_back(running: Running) -> None:
    before = running.facts()
    (rival,) = before.challengers
    for challenger, leads in ((rival, rival), ("previous", before.leads)):
        running.tell("promotion", challenger=challenger)
        running.flow.until(lambda name=leads: running.facts().leads == name)  # type: ignore[misc]
        change = running.facts().changes[-1]
        assert (change.kind, change.challenger, change.who) == ("promotion", leads, "a test")
        if leads == rival:
            assert running.facts().metrics == before.challengers[rival]
            assert running.facts().challengers[before.leads] == before.metrics
    assert running.facts().metrics == before.metrics
    assert running.facts(0).leads == before.leads


def test_a_challenger_that_does_not_run_is_refused(running: Running) -> None:
    command = running.tell("promotion", challenger="nobody")
    assert refusal_of(running, command).startswith("no challenger 'nobody'")


@pytest.mark.parametrize(
    ("loss", "reason"),
    [("withdrawn", "has no version"), ("lost", "has lost its learner"), ("another's", "cannot be")],
)
def test_a_version_that_has_vanished_is_refused_with_a_reason(
    running: Running, loss: str, reason: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    facts = msgspec.structs.replace(running.facts(0), generation=1, metrics={})
    versions = registry(running.settings)
    made = versions.register(msgspec.structs.replace(facts, events_learned=len(loss)), b"junk")
    if loss == "withdrawn":
        MlflowClient(running.settings.mlflow_uri).delete_model_version(
            versions.name(0), str(made.number)
        )
    if loss == "lost":
        place = f"tracking*/**/versions/1/{len(loss)}/artifacts/learner.bin"
        (file,) = {one.resolve() for one in tmp_path_factory.getbasetemp().glob(place)}
        file.unlink()
    command = running.tell("rollback", shard=0, version=made.number)
    assert reason in refusal_of(running, command, 0)
    assert running.facts(0).command != command.number


def refusal_of(running: Running, command: Command, shard: int = SHARD) -> str:
    newest = running.commands.refusals(shard)[0]
    assert newest.command == command
    return newest.reason

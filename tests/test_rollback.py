"""A running flow goes back to a version: learner, metrics and offsets, whatever kills it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flows.learning import codec
from flows.learning.learner import Learner, State
from flows.settings import Settings
from flows.stores.commands import Command, CommandStore
from flows.stores.connection import connect
from flows.streaming import faults
from scripts.crash.alone import learnt
from scripts.kafka import Record
from tests.flow_process import FlowProcess, fraud_records, live, read_topic, rows, seen, send
from tests.flow_remains import PROJECT, assert_each_offset_once, champion, registry

BEFORE, AFTER = 400, 300
POINTS = ("command.moved", "command.learnt", "command.saved", "command.settled")


def rollback(settings: Settings, version: int, **others: Any) -> Command:
    """Tell the flow to go back."""
    number = int(time.time() * 1000)
    told = {"who": "a test", "why": "to see", "time": number / 1000, "version": version, **others}
    command = Command(number=number, kind="rollback", **told)
    commands(settings).send(0, command)
    return command


def commands(settings: Settings) -> CommandStore:
    return CommandStore(connect(settings.redis_url.get_secret_value()), PROJECT.slug)


def went_back(settings: Settings, command: Command) -> bool:
    """Has it gone back, come to the end of the log again, and been let off the command?"""
    facts = live(settings).facts()
    done = facts is not None and facts.command == command.number
    return done and commands(settings).waiting(0) is None


def heard(settings: Settings) -> float:
    """When the flow last said that it is alive; it looks at its learner first."""
    status = live(settings).status()
    return status.time if status else 0.0


def as_it_should_be(settings: Settings, start: State) -> dict[str, bytes]:
    """A learner that goes on from a version and learns what came after it."""
    learner = Learner(PROJECT, start)
    (first,) = (at for log, at in start.offsets.items() if log == f"{PROJECT.topic}/0")
    messages = read_topic(settings, PROJECT.topic, BEFORE + AFTER)[first + 1 :]
    for message in messages:
        (event,) = [_event(message.value() or b"")]
        learner.observe(event, message.timestamp()[1] / 1000)
    learner.state.offsets[f"{PROJECT.topic}/0"] = BEFORE + AFTER - 1
    return learnt(PROJECT, learner.state)


def _event(value: bytes) -> Any:
    import msgspec

    return msgspec.json.decode(value, type=PROJECT.event)


def first_version(settings: Settings, recovery: Path, records: list[Record]) -> State:
    """Let a flow learn and register a version; returns the version's learner."""
    send(settings, PROJECT.topic, records)
    with FlowProcess(settings, recovery) as flow:
        flow.until(lambda: seen(live(settings)) == len(records))
        assert flow.stop() == 0, flow.output()
    return champion(settings)


def newest(settings: Settings) -> tuple[int, int]:
    (version, *_) = registry(settings).versions()
    return version.number, version.events_learned


def load(settings: Settings, number: int) -> State:
    frame = registry(settings).frame(registry(settings).version(number))
    state: State = codec.loads(frame, settings.signing_key.get_secret_value().encode())
    return state


def seed_of(point: str) -> int:
    """A seed with which that point is the one at which a flow dies."""
    import random

    return next(n for n in range(10_000) if random.Random(n).choice(faults.POINTS) == point)


def test_killed_at_each_step_it_goes_back_all_the_same(
    surroundings: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = surroundings(start_from="earliest")
    start = first_version(settings, tmp_path / "recovery", fraud_records(BEFORE))
    number, learned = newest(settings)
    assert learned == BEFORE
    expected_start = codec.dumps(start, b"")
    send(settings, PROJECT.topic, fraud_records(BEFORE + AFTER)[BEFORE:])
    for point in POINTS:
        command = rollback(settings, number)
        armed = settings.model_copy(update={"fault_seed": seed_of(point), "fault_rate": 1.0})
        with FlowProcess(armed, tmp_path / "recovery") as flow:
            assert flow.wait() == -9, flow.output()
            assert f"dying at {point}" in flow.output()
        restarted = time.time()
        with FlowProcess(settings, tmp_path / "recovery") as flow:
            flow.until(lambda since=restarted: heard(settings) > since)  # type: ignore[misc]
            flow.until(lambda one=command: went_back(settings, one))  # type: ignore[misc]
            flow.until(lambda: seen(live(settings)) == BEFORE + AFTER)
            flow.until(lambda one=command: champion(settings).command == one.number)  # type: ignore[misc]
            assert flow.stop() == 0, flow.output()
        made, learned = newest(settings)
        assert learned == BEFORE + AFTER
        found = learnt(PROJECT, load(settings, made))
        assert found == as_it_should_be(settings, codec.loads(expected_start, b""))
        for table in (PROJECT.topic, f"{PROJECT.topic}_outcomes"):
            assert_each_offset_once(rows(settings, table), BEFORE + AFTER)
        assert champion(settings).command == command.number
    changes = registry(settings).changes()
    assert [(one.kind, one.version, one.who) for one in changes] == [
        ("rollback", number, "a test")
    ] * len(POINTS)


def test_a_paused_flow_goes_back_and_stays_there(
    surroundings: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = surroundings(start_from="earliest")
    store = live(settings)
    first_version(settings, tmp_path / "recovery", fraud_records(BEFORE))
    number, _ = newest(settings)
    send(settings, PROJECT.topic, fraud_records(BEFORE + AFTER)[BEFORE:])
    with FlowProcess(settings, tmp_path / "recovery") as flow:
        flow.until(lambda: seen(store) == BEFORE + AFTER)
        store.want("paused")
        command = rollback(settings, number)
        flow.until(lambda: went_back(settings, command))
        assert seen(store) == BEFORE
        store.want("running")
        flow.until(lambda: seen(store) == BEFORE + AFTER)
        refused = rollback(settings, 99)
        flow.until(lambda: commands(settings).waiting(0) is None)
        assert seen(store) == BEFORE + AFTER
        skipping = rollback(settings, number, skip=True)
        flow.until(lambda: went_back(settings, skipping))
        assert seen(store) == BEFORE
        send(settings, PROJECT.topic, fraud_records(BEFORE + AFTER + 100)[BEFORE + AFTER :])
        flow.until(lambda: seen(store) == BEFORE + 100)
        assert flow.stop() == 0, flow.output()
    (refusal,) = commands(settings).refusals(0)
    assert (refusal.command, "no version 99" in refusal.reason) == (refused, True)
    assert_each_offset_once(rows(settings, PROJECT.topic), BEFORE + AFTER + 100)

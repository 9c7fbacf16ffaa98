"""A running flow is given a batch model to test, whatever kills it meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flows.batch.frozen import encode
from flows.batch.training import register
from flows.learning.learner import Learner
from flows.settings import Settings
from flows.stores.batch import BatchStore
from flows.stores.connection import connect
from flows.streaming.commands import obey
from flows.streaming.learn import learn
from flows.streaming.messages import Order
from scripts.kafka import Record
from tests.batch_beside import SOURCE
from tests.batch_models import PROJECT, ROWS, lake_at, trained, transactions
from tests.flow_process import FlowProcess, live, rows, seen, send
from tests.flow_remains import assert_each_offset_once
from tests.polls import decoded
from tests.test_rollback import seed_of

BEFORE, AFTER = 200, 300

pytestmark = pytest.mark.filterwarnings("ignore:.*type hint is inferred as AnyType:UserWarning")


def records(events: Sequence[Any]) -> list[Record]:
    return [Record(one.user_id.encode(), msgspec.json.encode(one)) for one in events]


def test_killed_while_it_takes_a_model_in_it_tests_it_all_the_same(
    surroundings: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = surroundings(start_from="earliest")
    key = settings.signing_key.get_secret_value().encode()
    made = trained(lake_at(tmp_path / "lake"))
    frame = encode(made.frozen, key)
    version = int(register(PROJECT, settings, made))
    events = transactions(BEFORE + AFTER, first=ROWS)
    send(settings, PROJECT.topic, records(events[:BEFORE]))

    armed = settings.model_copy(update={"fault_seed": seed_of("batch.brought"), "fault_rate": 1.0})
    with FlowProcess(armed, tmp_path / "recovery") as flow:
        assert flow.wait() == -9, flow.output()
        assert "dying at batch.brought" in flow.output()
    store = live(settings)
    with FlowProcess(settings, tmp_path / "recovery") as flow:
        flow.until(lambda: f"batch model {version} is tested" in flow.output())
        flow.until(lambda: seen(store) == BEFORE)
        send(settings, PROJECT.topic, records(events[BEFORE:]))
        flow.until(lambda: seen(store) == BEFORE + AFTER)
        assert flow.stop() == 0, flow.output()

    facts = store.facts()
    assert facts is not None
    assert facts.batch == expected(events, frame, version)
    assert_each_offset_once(rows(settings, PROJECT.topic), BEFORE + AFTER)
    # Nobody had said that it is wanted: it is the registry's newest.
    with connect(settings.redis_url.get_secret_value()) as client:
        assert BatchStore(client, PROJECT.slug).wanted() == version


def expected(events: Sequence[Any], frame: bytes, version: int) -> Any:
    """How the same events are scored where nothing is killed."""
    learner = Learner.fresh(PROJECT, lineage=7)
    learn(learner, decoded(SOURCE, events[:BEFORE]))
    order = Order(1, None, frame, {}, {}, version)
    learner = Learner(PROJECT, obey(PROJECT, learner.state, order, SOURCE, b"a key for flows"))
    learn(learner, decoded(SOURCE, events[BEFORE:], first=BEFORE))
    assert learner.state.batch is not None
    assert learner.state.batch.labels == AFTER
    return learner.state.batch.duel

"""What a flow is told to do, as its sources and its learner see it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import redis

from flows.learning import codec
from flows.learning.learner import Learner
from flows.projects import fraud
from flows.settings import Settings
from flows.stores.commands import Command, CommandStore
from flows.stores.live import connect
from flows.stores.registry import Registry
from flows.streaming.commands import POLL_SECONDS, Desk
from flows.streaming.learn import learn_logic
from flows.streaming.start import Start
from tests.api_parts import until

KEY = "a key for tests"
SETTINGS = Settings(_env_file=None, signing_key=KEY)
PROMOTION = Command(
    number=7, kind="promotion", who="ada", why="it errs less", time=1.0, challenger="baseline"
)


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with connect(redis_url) as client:
        yield client


@pytest.fixture
def store(client: redis.Redis, unique: Callable[[str], str]) -> CommandStore:
    return CommandStore(client, unique("fraud"))


@pytest.fixture
def registry() -> Registry:
    """Of an MLflow that is not there: a promotion asks nothing of it."""
    return Registry.of(fraud.PROJECT, "http://127.0.0.1:1")


@pytest.fixture
def desk(store: CommandStore, registry: Registry) -> Iterator[Desk]:
    stop = threading.Event()
    yield Desk(fraud.PROJECT, SETTINGS, store, registry, stop)
    stop.set()


def test_an_order_is_there_until_it_is_done(desk: Desk, store: CommandStore) -> None:
    assert desk.order(0) is None
    store.send(0, PROMOTION)
    until(lambda: desk.order(0), "the order")
    order = desk.order(0)
    assert order is not None
    assert order.change is not None
    assert (order.number, order.change.challenger, order.moves) == (7, "baseline", False)
    desk.obeyed(0, 7)
    until(lambda: store.waiting(0) is None, "the end of the command")
    until(lambda: desk.order(0) is None, "the end of the order")
    assert store.refusals(0) == []


def test_a_refused_order_leaves_its_reason(desk: Desk, store: CommandStore) -> None:
    store.send(0, PROMOTION)
    until(lambda: desk.order(0), "the order")
    order = desk.order(0)
    assert order is not None
    desk.refused(order, "there is no such challenger")
    desk.obeyed(0, 7)
    until(lambda: store.refusals(0), "the refusal")
    (refusal,) = store.refusals(0)
    assert (refusal.command, refusal.reason) == (PROMOTION, "there is no such challenger")


def test_an_order_that_redis_has_lost_is_obeyed_all_the_same(
    desk: Desk, store: CommandStore
) -> None:
    store.send(0, PROMOTION)
    until(lambda: desk.order(0), "the order")
    store.done(0, PROMOTION)
    time.sleep(2 * POLL_SECONDS)
    assert desk.order(0) is not None
    desk.obeyed(0, 7)
    until(lambda: desk.order(0) is None, "the end of the order")


def test_a_learner_that_waits_for_a_log_says_so(
    desk: Desk, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    state = Learner.fresh(fraud.PROJECT, lineage=1).state
    start = Start(fraud.PROJECT, SETTINGS, registry, threading.Event())
    make = learn_logic(fraud.PROJECT, SETTINGS, start, desk)
    with caplog.at_level(logging.WARNING):
        make(codec.dumps(state, KEY.encode()))
        assert caplog.text == ""
        state.command, state.awaiting = 7, ["transactions_labels/0"]
        make(codec.dumps(state, KEY.encode()))
    assert "rollback 7 is half done: nothing of transactions_labels/0" in caplog.text
    assert "send the rollback again" in caplog.text

"""A learner beside which a batch model is tested, and what is known of it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from flows.batch.frozen import encode
from flows.learning.batch_challenger import BatchChallenger
from flows.learning.learner import Learner, State
from flows.streaming import batch_model
from flows.streaming.commands import obey
from flows.streaming.learn import learn
from flows.streaming.messages import Order, Source
from scripts.crash.account import canonical
from scripts.crash.alone import learnt
from tests.batch_models import PROJECT, ROWS, lake_at, trained, transactions
from tests.polls import decoded

KEY = b"a key for tests"
SOURCE = Source(PROJECT.topic, 0)
LABELS = Source(PROJECT.labels_topic, 0)
LATER = 420


@cache
def model_bytes() -> bytes:
    """The bytes of a model of 1,500 transactions."""
    with tempfile.TemporaryDirectory() as folder:
        return encode(trained(lake_at(Path(folder))).frozen, KEY)


@cache
def unseen() -> list[Any]:
    """Transactions that the model has not seen."""
    return list(transactions(LATER, first=ROWS))


def order(frame: bytes | None, version: int = 1, number: int = 1) -> Order:
    return Order(number, None, frame, {}, {}, version)


def told(frame: bytes | None, state: State, version: int = 1, number: int = 1) -> State:
    return obey(PROJECT, state, order(frame, version, number), SOURCE, KEY)


def with_batch(frame: bytes) -> Learner:
    learner = Learner.fresh(PROJECT, lineage=7)
    return Learner(PROJECT, told(frame, learner.state))


def feed(learner: Learner, events: Sequence[Any], at_a_time: int = 100, first: int = 0) -> Learner:
    for start in range(0, len(events), at_a_time):
        learn(learner, decoded(SOURCE, events[start : start + at_a_time], first=first + start))
    return learner


def batch_of(learner: Learner) -> BatchChallenger:
    assert learner.state.batch is not None
    return learner.state.batch


def settled(learner: Learner) -> Learner:
    batch_of(learner).catch_up(PROJECT.task)
    return learner


def known(state: State) -> dict[str, bytes]:
    """All of a learner that matters, that of its batch model included."""
    batch = state.batch
    own = batch and (batch.duel, batch.contest.standing, batch.settled)
    return {**learnt(PROJECT, state), "batch": canonical(own)}


def saved(learner: Learner) -> bytes:
    return batch_model.save(learner.state, KEY)

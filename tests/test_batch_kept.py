"""A batch model is saved with its learner, replaced, and stays through rollbacks and promotions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from flows.batch.frozen import FrozenModel, decode, encode
from flows.errors import ProjectError
from flows.learning import codec
from flows.learning.learner import Learner
from flows.learning.state import Change
from flows.projects.fraud import Transaction
from flows.projects.spec import Label
from flows.streaming import batch_model
from flows.streaming.commands import obey
from flows.streaming.learn import learn
from flows.streaming.messages import Order
from tests.batch_beside import (
    KEY,
    LABELS,
    SOURCE,
    batch_of,
    feed,
    known,
    model_bytes,
    saved,
    settled,
    told,
    unseen,
    with_batch,
)
from tests.batch_models import PROJECT
from tests.polls import decoded


@pytest.fixture(scope="module")
def frame() -> bytes:
    return model_bytes()


@pytest.fixture(scope="module")
def later() -> list[Transaction]:
    return unseen()


def test_saved_and_restored_it_goes_on_as_if_nothing_had_been(
    frame: bytes, later: list[Transaction]
) -> None:
    straight = feed(with_batch(frame), later)
    first = feed(with_batch(frame), later[:220])
    bytes_ = saved(first)
    assert bytes_.endswith(frame)
    state = batch_model.restore(bytes_, KEY)
    assert state.batch is not None
    assert state.batch.frame == frame
    second = feed(Learner(PROJECT, state), later[220:], first=220)
    assert known(second.state) == known(straight.state)


def test_a_learner_that_is_registered_is_without_the_model(
    frame: bytes, later: list[Transaction]
) -> None:
    learner = feed(with_batch(frame), later[:100])
    alone = feed(Learner.fresh(PROJECT, lineage=7), later[:100])
    own, others = (len(codec.dumps(one.state, KEY)) for one in (learner, alone))
    assert own - others < len(frame) / 2
    predictor = codec.dumps(learner.state.predictor, KEY)
    assert len(predictor) - len(codec.dumps(alone.state.predictor, KEY)) < 100


def test_a_model_that_is_missing_waits_to_be_brought_again(
    frame: bytes, later: list[Transaction]
) -> None:
    first = feed(with_batch(frame), later[:220])
    state = codec.loads(codec.dumps(first.state, KEY), KEY)
    known = state.batch.labels
    learner = feed(Learner(PROJECT, state), later[220:270], first=220)
    assert (batch_of(learner).model, batch_of(learner).labels) == (None, known)
    back = Learner(PROJECT, told(frame, learner.state, number=2))
    feed(back, later[270:], first=270)
    assert (
        batch_of(settled(back)).labels
        == batch_of(settled(feed(with_batch(frame), later))).labels - 50
    )


def test_another_version_begins_anew(frame: bytes, later: list[Transaction]) -> None:
    learner = feed(with_batch(frame), later[:300])
    unlabelled = [msgspec.structs.replace(event, is_fraud=None) for event in later[300:350]]
    feed(learner, unlabelled, first=300)
    other = Learner(PROJECT, told(frame, learner.state, version=2, number=2))
    assert (batch_of(other).version, batch_of(other).labels) == (2, 0)
    assert batch_of(other).since == 300
    labels = [Label(one.transaction_id, one.is_fraud or 0, one.timestamp) for one in later[300:350]]
    learn(other, decoded(LABELS, labels))
    assert batch_of(settled(other)).labels == 0


def test_none_is_wanted_any_more(frame: bytes, later: list[Transaction]) -> None:
    learner = feed(with_batch(frame), later[:300])
    assert told(None, learner.state, version=0, number=2).batch is None
    feed(learner, later[300:], first=300)


def test_bytes_of_somebody_else_change_nothing(frame: bytes) -> None:
    learner = with_batch(frame)
    for bad in (encode(decode(frame, KEY), b"another key"), b"junk"):
        with pytest.raises(ProjectError, match="cannot be used"):
            told(bad, learner.state, version=2, number=2)
        assert batch_of(learner).version == 1


def test_a_promotion_begins_another_contest(frame: bytes, later: list[Transaction]) -> None:
    learner = settled(feed(with_batch(frame), later))
    assert batch_of(learner).contest.standing.labels > 0
    change = Change(2, "promotion", "a test", "why", 0.0, challenger="baseline")
    obey(PROJECT, learner.state, Order(2, change, None, {}, {}), SOURCE, KEY)
    assert batch_of(learner).contest.standing.labels == 0
    assert batch_of(learner).labels > 0


@pytest.mark.parametrize("skip", [False, True])
def test_who_is_gone_back_tests_what_the_one_before_did(
    frame: bytes, later: list[Transaction], skip: bool
) -> None:
    learner = feed(Learner.fresh(PROJECT, lineage=7), later[:200])
    version = codec.dumps(learner.state, KEY)
    learner = Learner(PROJECT, told(frame, learner.state))
    labels = batch_of(settled(feed(learner, later[200:], first=200))).labels
    change = Change(5, "rollback", "a test", "why", 0.0, version=1, skip=skip)
    state = obey(PROJECT, learner.state, Order(5, change, version, {}, {}), SOURCE, KEY)
    assert state.batch is not None
    assert state.batch.version == 1
    assert state.batch.labels == (labels if skip else 0)
    assert state.batch.model is not None


def test_who_is_gone_back_goes_on_with_the_test_of_that_time(
    frame: bytes, later: list[Transaction]
) -> None:
    learner = feed(with_batch(frame), later[:220])
    version = codec.dumps(learner.state, KEY)
    straight = feed(with_batch(frame), later)
    feed(learner, later[220:], first=220)
    change = Change(5, "rollback", "a test", "why", 0.0, version=1)
    state = obey(PROJECT, learner.state, Order(5, change, version, {}, {}), SOURCE, KEY)
    state.awaiting.clear()
    found = feed(Learner(PROJECT, state), later[220:], first=220)
    assert known(found.state)["batch"] == known(straight.state)["batch"]


class Remembering:
    """A head that keeps the labels it is told of, and says how many those were."""

    def __init__(self, head: Any) -> None:
        self.head, self.histories = head, 0

    def row(self, inputs: dict[str, Any]) -> Any:
        return (self.histories, self.head.row(inputs))

    def predict_many(self, rows: Sequence[Any]) -> list[Any]:
        return list(self.head.predict_many([row for _, row in rows]))

    def learn(self, _inputs: dict[str, Any], _label: Any) -> None:
        self.histories += 1


def test_histories_are_saved_with_the_learner_and_the_model_is_not(
    frame: bytes, later: list[Transaction]
) -> None:
    plain = decode(frame, KEY)
    remembering = encode(replace(plain, head=Remembering(plain.head)), KEY)  # type: ignore[arg-type]
    learner = feed(with_batch(remembering), later[:300])
    assert learner.state.predictor.histories == 300
    assert learner.state.predictor.batch == 1
    state = batch_model.restore(saved(learner), KEY)
    assert state.batch is not None
    assert isinstance(state.batch.model, FrozenModel)
    assert state.batch.model.histories == 300
    assert state.batch.frame == remembering

"""A batch model beside a learner: the same later events, scored the same whatever is polled."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from prometheus_client import REGISTRY

from flows.batch.frozen import decode
from flows.learning import codec
from flows.learning.batch_challenger import AT_ONCE, BATCH, RECENT_ERROR
from flows.learning.contest import BLOCK
from flows.learning.learner import Learner
from flows.projects.fraud import Transaction
from flows.projects.spec import Label
from flows.stores.live import Facts
from flows.streaming import batch_model, instruments
from flows.streaming.learn import curve_metrics, learn
from flows.streaming.messages import Publication
from tests.batch_beside import (
    KEY,
    LABELS,
    LATER,
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
from tests.batch_models import PROJECT, transactions
from tests.polls import decoded


@pytest.fixture(scope="module")
def frame() -> bytes:
    return model_bytes()


@pytest.fixture(scope="module")
def later() -> list[Transaction]:
    return unseen()


def test_metrics_are_those_of_the_model_on_just_those_events(
    frame: bytes, later: list[Transaction]
) -> None:
    found = settled(feed(with_batch(frame), later))
    model, past, metrics = (
        decode(frame, KEY),
        PROJECT.past and PROJECT.past(),
        PROJECT.task.metrics(),
    )
    rows = []
    for event in later:
        rows.append(model.row(PROJECT.inputs(event, past)))
        if past is not None:
            past.note(event)
    for event, prediction in zip(later, model.predict_many(rows), strict=True):
        metrics.update(event.is_fraud, prediction, 0.0)
    # The champion says nothing before it has learnt, and only pairs count.
    assert batch_of(found).labels >= LATER - 10
    assert batch_of(found).metrics.values()["FBeta"] == pytest.approx(
        metrics.values()["FBeta"], abs=0.02
    )
    assert batch_of(found).metrics.values()["FBeta"] > 0.5


def test_both_are_scored_on_the_same_events(frame: bytes, later: list[Transaction]) -> None:
    learner = settled(feed(with_batch(frame), later))
    duel = batch_of(learner).duel
    assert duel.labels == batch_of(learner).labels
    # The champion has seen nothing else either: its own metrics are those of the duel.
    online = {name: value for name, value in duel.online.items() if name != RECENT_ERROR}
    assert online == learner.state.metrics.values()
    standing = batch_of(learner).contest.standing
    assert standing.labels == duel.labels // BLOCK * BLOCK
    assert duel.batch[RECENT_ERROR] == standing.challenger_error
    assert duel.online[RECENT_ERROR] == standing.champion_error


@pytest.mark.parametrize("at_a_time", [1, 37, LATER])
def test_what_is_learnt_does_not_depend_on_what_is_polled(
    frame: bytes, later: list[Transaction], at_a_time: int
) -> None:
    expected = feed(with_batch(frame), later, 100)
    found = feed(with_batch(frame), later, at_a_time)
    assert known(found.state) == known(expected.state)
    # The last point of the curve was at 400.
    assert len(batch_of(found).settled) == LATER - 400


def test_rows_are_predicted_many_at_once(frame: bytes, later: list[Transaction]) -> None:
    batch = batch_of(with_batch(frame))
    said = feed(with_batch(frame), later[:50]).state
    champion = PROJECT.task.predict(said.model, PROJECT.inputs(later[50], said.past))
    sizes = []
    for event in (later * 3)[: 2 * AT_ONCE + 3]:
        inputs = PROJECT.inputs(event, None if said.past is None else said.past)
        taken = batch.take(inputs, event.timestamp.timestamp())
        batch.settle(PROJECT.task, taken, champion, inputs, event.is_fraud, 0.0)
        sizes.append(len(batch.settled))
    assert max(sizes) == AT_ONCE - 1
    assert batch.labels == 2 * AT_ONCE


def test_events_that_it_may_have_been_trained_on_do_not_count(frame: bytes) -> None:
    learner = settled(feed(with_batch(frame), transactions(300)))
    assert batch_of(learner).labels == 0
    assert batch_of(learner).metrics.values() == PROJECT.task.metrics().values()


def test_a_row_is_taken_when_the_event_is_predicted(frame: bytes, later: list[Transaction]) -> None:
    some = later[:200]
    at_once, waiting = with_batch(frame), with_batch(frame)
    feed(at_once, some)
    feed(waiting, [msgspec.structs.replace(event, is_fraud=None) for event in some])
    rows = [one.taken and one.taken.row for one in waiting.state.waiting.values()]
    assert all(rows)
    past = PROJECT.past and PROJECT.past()
    for event, row in zip(some, rows, strict=True):
        assert row == decode(frame, KEY).row(PROJECT.inputs(event, past))
        if past is not None:
            past.note(event)
    labels = [Label(event.transaction_id, event.is_fraud or 0, event.timestamp) for event in some]
    learn(waiting, decoded(LABELS, labels))
    # Nothing had been learnt when they were predicted: there is nobody to compare with.
    assert batch_of(settled(waiting)).labels == 0


def test_late_labels_settle_rows_of_their_time(frame: bytes, later: list[Transaction]) -> None:
    learner = feed(with_batch(frame), later[:300])
    before = batch_of(settled(learner)).labels
    unlabelled = [msgspec.structs.replace(event, is_fraud=None) for event in later[300:400]]
    feed(learner, unlabelled, first=300)
    assert batch_of(settled(learner)).labels == before
    labels = [Label(one.transaction_id, one.is_fraud or 0, one.timestamp) for one in later[300:400]]
    learn(learner, decoded(LABELS, labels))
    assert batch_of(settled(learner)).labels == before + 100


def test_facts_and_curve_show_it_like_a_challenger(frame: bytes, later: list[Transaction]) -> None:
    learner = settled(feed(with_batch(frame), later))
    facts = Facts.of(PROJECT.slug, 0, learner.state, 0.0)
    assert facts.batch is not None
    assert facts.challengers[BATCH] == facts.batch.batch
    assert facts.contests[BATCH] == batch_of(learner).contest.standing
    curve = curve_metrics(learner.state)
    assert curve["batch/FBeta"] == facts.batch.batch["FBeta"]
    assert curve["online/FBeta"] == facts.batch.online["FBeta"]
    assert msgspec.json.decode(msgspec.json.encode(facts), type=Facts) == facts


def test_without_one_nothing_is_different(later: list[Transaction]) -> None:
    learner = feed(Learner.fresh(PROJECT, lineage=7), later[:200])
    facts = Facts.of(PROJECT.slug, 0, learner.state, 0.0)
    assert facts.batch is None
    assert BATCH not in facts.challengers
    assert not [
        name for name in curve_metrics(learner.state) if name.startswith(("batch", "online"))
    ]
    assert saved(learner) == codec.dumps(learner.state, KEY)
    assert known(batch_model.restore(saved(learner), KEY)) == known(learner.state)


def test_the_lead_over_it_is_that_on_the_same_events(
    frame: bytes, later: list[Transaction]
) -> None:
    learner = feed(Learner.fresh(PROJECT, lineage=7), later[:150])
    learner = settled(feed(Learner(PROJECT, told(frame, learner.state)), later[150:], first=150))
    project = replace(PROJECT, slug="a batch beside it")
    facts = Facts.of(project.slug, 0, learner.state, 0.0)
    instruments._show(project, Publication(facts, b"", None))
    labels = {"project": project.slug, "shard": "0", "challenger": BATCH}
    lead = REGISTRY.get_sample_value("realtime_model_lead_ratio", labels)
    duel = batch_of(learner).duel
    ahead = duel.online["FBeta"] - duel.batch["FBeta"]
    assert lead == pytest.approx(ahead / duel.batch["FBeta"])
    assert facts.metrics["FBeta"] != duel.online["FBeta"]

"""What a flow tells of labels: late enough, of matched events only, and never in its way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flows.stores.connection import connect
from flows.stores.predictions import PredictionStore
from flows.streaming import told_labels
from flows.streaming.messages import OutcomeRow
from flows.streaming.told_labels import ToldLabels
from tests.api_parts import until
from tests.test_predictions_kept import record

Unique = Callable[[str], str]


def row(number: int, status: Any = "matched", label: Any = 1) -> OutcomeRow:
    return OutcomeRow(number, 0.0, record(number).event_id, status, label, None, None, None)


@pytest.fixture
def store(redis_url: str, unique: Unique) -> Iterator[PredictionStore]:
    client = connect(redis_url)
    yield PredictionStore(client, unique("told"), 60.0)
    client.close()


@pytest.fixture
def told(store: PredictionStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[ToldLabels]:
    monkeypatch.setattr(told_labels, "HELD_SECONDS", 0.0)
    monkeypatch.setattr(told_labels, "LOOK_SECONDS", 0.01)
    made = ToldLabels(store)
    yield made
    made.stop(10.0)


def test_labels_of_what_was_predicted_are_told(store: PredictionStore, told: ToldLabels) -> None:
    store.keep([record(1), record(3)], 0.0)
    told.add([row(1), row(2)])
    told.add([])
    told.add([row(3, label=0)])
    until(lambda: len(store.labels()) == 2, "the labels")
    assert store.labels() == {record(1).event_id: 1, record(3).event_id: 0}


@pytest.mark.parametrize("status", ["expired", "orphan", "duplicate"])
def test_only_labels_that_were_learnt_are_told(
    store: PredictionStore, told: ToldLabels, status: Any
) -> None:
    store.keep([record(1), record(2)], 0.0)
    told.add([row(1, status), row(2)])
    until(store.labels, "a label")
    assert list(store.labels()) == [record(2).event_id]


def test_a_prediction_may_be_kept_after_its_event_was_learnt(
    store: PredictionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(told_labels, "HELD_SECONDS", 60.0)
    monkeypatch.setattr(told_labels, "LOOK_SECONDS", 0.01)
    told = ToldLabels(store)
    told.add([row(1)])
    store.keep([record(1)], 0.0)
    assert store.labels() == {}
    told.stop(10.0)
    assert store.labels() == {record(1).event_id: 1}


def test_while_redis_is_away_labels_wait_and_the_oldest_are_let_go(
    store: PredictionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(told_labels, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(told_labels, "MOST_HELD", 10)
    away = connect("redis://127.0.0.1:1/0")
    monkeypatch.setattr(told_labels, "HELD_SECONDS", 0.0)
    store.keep([record(number) for number in range(15)], 0.0)
    told = ToldLabels(PredictionStore(away, "nowhere", 60.0))
    for number in range(15):
        told.add([row(number)])
    told._store = store
    told.stop(10.0)
    assert set(store.labels()) == {record(number).event_id for number in range(5, 15)}


def test_many_labels_are_told_in_parts(
    store: PredictionStore, told: ToldLabels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(told_labels, "AT_A_TIME", 7)
    store.keep([record(number) for number in range(50)], 0.0)
    told.add([row(number) for number in range(50)])
    until(lambda: len(store.labels()) == 50, "the labels")

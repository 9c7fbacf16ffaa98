from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from api.served_predictions import Ledger
from flows.learning import codec
from flows.projects import fraud
from flows.stores import predictions
from flows.stores.connection import connect
from flows.stores.predictions import PredictionStore, Score, ServedPrediction

Unique = Callable[[str], str]
KEY = b"a key for tests"
PREDICTION = {"probability": 0.75, "decision": 1, "threshold": 0.5}


def record(number: int, event_id: str = "", **changes: Any) -> ServedPrediction:
    one = ServedPrediction(
        prediction_id=f"{number:036d}",
        event_id=event_id or f'event {number}\nof "{number}"',
        key="ada",
        alias="live",
        version="line.7",
        time=1000.5,
        prediction=PREDICTION,
    )
    return msgspec.structs.replace(one, **changes)


@pytest.fixture
def store(redis_url: str, unique: Unique) -> Iterator[PredictionStore]:
    client = connect(redis_url)
    yield PredictionStore(client, unique("kept"), 60.0)
    client.close()


def test_kept_predictions_are_found_by_their_ids(store: PredictionStore) -> None:
    kept = [record(1), record(2), record(3, record(1).event_id)]
    store.keep(kept[:2], 0.0)
    store.keep(kept[2:], 1.0)
    assert store.of([record(1).event_id, "nothing", record(2).event_id]) == [
        [kept[0], kept[2]],
        [],
        [kept[1]],
    ]
    assert [store.find(one.prediction_id) for one in kept] == kept
    assert store.find("nothing") is None
    assert store.of([]) == []


def test_only_the_newest_events_are_kept(
    store: PredictionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictions, "PREDICTIONS_KEPT", 3)
    for number in range(10):
        store.keep([record(number)], float(number))
    found = [store.find(record(number).prediction_id) for number in range(10)]
    assert [one is not None for one in found] == [False] * 7 + [True] * 3
    assert store._redis.hlen(store._keys[1]) == store._redis.hlen(store._keys[2]) == 3


def test_predictions_older_than_the_horizon_are_let_go(store: PredictionStore) -> None:
    store.keep([record(1)], 1000.0)
    store.keep([record(2)], 1059.0)
    assert store.find(record(1).prediction_id)
    store.keep([record(3)], 1061.0)
    assert store.find(record(1).prediction_id) is None
    assert store.find(record(2).prediction_id)
    assert all(0 < store._redis.ttl(key) <= 60 for key in store._keys[:3])


def test_one_event_takes_bounded_room(store: PredictionStore) -> None:
    for number in range(100):
        store.keep([record(number, "same")], 0.0)
    (found,) = store.of(["same"])
    assert 10 < len(found) < 100
    assert store._redis.hlen(store._keys[2]) == len(found)
    store.keep([record(1000, "x" * predictions.LARGEST_EVENT)], 0.0)
    assert store.find(record(1000).prediction_id) is None


def test_a_score_is_written_by_whoever_read_it_last(store: PredictionStore) -> None:
    store.keep([record(1), record(2)], 0.0)
    told = {"live": Score(1, {"FBeta": 0.5})}
    assert store.score() == (0, None)
    assert store.settle(0, b"frame", told, [record(1).event_id])
    assert not store.settle(0, b"other", {}, [record(2).event_id])
    assert (store.score(), store.told()) == ((1, b"frame"), told)
    assert store.find(record(1).prediction_id) is None
    assert store.find(record(2).prediction_id)


def test_several_apis_score_as_one(store: PredictionStore) -> None:
    ledgers = [Ledger(fraud.PROJECT, store, KEY) for _ in range(2)]
    expected = fraud.PROJECT.task.metrics()
    for number in range(12):
        ledger = ledgers[number % 2 if number < 8 else 0]
        ledger.add(record(number))
        ledger.write()
        ledger.add((record(number).event_id, number % 3 % 2))
        ledger.score()
        made = msgspec.convert(PREDICTION, fraud.PROJECT.task.prediction)
        expected.update(number % 3 % 2, made, 1000.5)
    assert ledgers[0].told == {"live": Score(12, expected.values())}


def test_a_label_is_scored_once(store: PredictionStore) -> None:
    ledger = Ledger(fraud.PROJECT, store, KEY)
    ledger.add(record(1))
    ledger.write()
    for value in (1, 1, 0):
        ledger.add((record(1).event_id, value))
        ledger.score()
    assert ledger.told["live"].count == 1


def test_each_model_has_a_score_of_its_own(store: PredictionStore) -> None:
    ledger = Ledger(fraud.PROJECT, store, KEY)
    for number, alias in enumerate(["live", "tree", "live"]):
        ledger.add(record(number, "same", alias=alias))
    ledger.write()
    ledger.add(("same", 1))
    ledger.score()
    assert {alias: one.count for alias, one in ledger.told.items()} == {"live": 2, "tree": 1}


def test_a_prediction_that_cannot_be_read_is_passed_over(store: PredictionStore) -> None:
    ledger = Ledger(fraud.PROJECT, store, KEY)
    ledger.add(record(1, "same", prediction={"colour": "red"}))
    ledger.add(record(2, "same"))
    ledger.write()
    ledger.add(("same", 1))
    ledger.score()
    assert ledger.told["live"].count == 1


def test_labels_are_left_for_what_was_predicted_and_for_nothing_else(
    store: PredictionStore,
) -> None:
    assert store.is_empty()
    store.label([])
    store.keep([record(1), record(2), record(3)], 0.0)
    assert not store.is_empty()
    store.label([(record(1).event_id, 1), ("never predicted", 1), (record(2).event_id, "other")])
    store.label([(record(1).event_id, 0)])
    assert store.labels() == {record(1).event_id: 1, record(2).event_id: "other"}
    assert 0 < store._redis.ttl(store._keys[3]) <= 60
    assert store.settle(0, b"frame", {}, [record(1).event_id])
    assert store.labels() == {record(2).event_id: "other"}


def test_a_label_is_let_go_with_its_prediction(
    store: PredictionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictions, "PREDICTIONS_KEPT", 1)
    store.keep([record(1)], 0.0)
    store.label([(record(1).event_id, 1)])
    store.keep([record(2)], 1.0)
    assert store.labels() == {}


def test_a_label_that_the_flow_has_left_is_scored_once(store: PredictionStore) -> None:
    ledger = Ledger(fraud.PROJECT, store, KEY)
    for number in (1, 2):
        ledger.add(record(number))
    ledger.write()
    store.label([(record(1).event_id, 1), (record(2).event_id, 0)])
    ledger.add((record(1).event_id, 1))
    ledger.score()
    assert (ledger.told["live"].count, store.labels()) == (2, {})
    store.label([(record(1).event_id, 1)])
    ledger.score()
    assert ledger.told["live"].count == 2


def test_a_score_that_is_not_signed_is_not_loaded(store: PredictionStore) -> None:
    store.settle(0, codec.dumps({"live": (10**6, None)}, b"another key"), {}, [])
    ledger = Ledger(fraud.PROJECT, store, KEY)
    ledger.add(record(1))
    ledger.write()
    ledger.add((record(1).event_id, 1))
    ledger.score()
    assert ledger.told["live"].count == 1

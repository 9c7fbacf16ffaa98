from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any

import duckdb
import msgspec
import pytest

from flows.learning.tasks.binary import BinaryClassification
from flows.learning.tasks.binary_metrics import BinaryMetrics
from flows.projects import fraud
from flows.projects.fraud import PROJECT, Transaction
from scripts.streams import events

EVENTS = 20_000


@dataclass
class Run:
    """Test-then-train over the reference stream."""

    model: Any
    values: dict[str, float]
    last_half: dict[str, float]
    report: dict[str, Any]
    rule: dict[str, float]


def transactions(count: int, seed: int = 0) -> list[Transaction]:
    return [msgspec.convert(each, Transaction) for each in events("fraud", seed=seed, count=count)]


def fbeta_of_rule(stream: list[Transaction]) -> float:
    """F2 of the rule that nobody should need a model for."""
    hits = sum(each.amount > 500 for each in stream if each.is_fraud)
    alarms = sum(each.amount > 500 for each in stream)
    frauds = sum(each.is_fraud or 0 for each in stream)
    return 5 * hits / (4 * frauds + alarms)


@pytest.fixture(scope="module")
def run() -> Run:
    stream, task = transactions(EVENTS), PROJECT.task
    model, whole, last_half = PROJECT.model(), task.metrics(), task.metrics()
    for number, event in enumerate(stream):
        x = PROJECT.features(event)
        prediction = task.predict(model, x)
        for metrics in (whole, last_half) if number >= EVENTS / 2 else (whole,):
            if prediction is not None:
                metrics.update(event.is_fraud, prediction)
        task.learn(model, x, event.is_fraud)
    assert isinstance(whole, BinaryMetrics)
    rule = {"FBeta": fbeta_of_rule(stream)}
    return Run(model, whole.values(), last_half.values(), whole.report(), rule)


def test_finds_the_frauds_of_the_reference_stream(run: Run) -> None:
    assert run.values["FBeta"] > 0.80
    assert run.last_half["FBeta"] > 0.84
    assert run.values["FBeta"] > run.rule["FBeta"]


def test_ranks_the_frauds_of_the_reference_stream(run: Run) -> None:
    assert run.values["ROCAUC"] > 0.98


def test_probabilities_are_calibrated(run: Run) -> None:
    assert run.last_half["BrierScore"] < 0.003
    for each in run.report["reliability"]:
        tolerance = 4 * (each["predicted"] / each["count"]) ** 0.5 + 0.5 * each["predicted"]
        assert abs(each["observed"] - each["predicted"]) < tolerance + 0.02


def test_threshold_is_where_calibrated_scores_would_put_it(run: Run) -> None:
    """The best threshold of calibrated probabilities is F-beta / (1 + beta²)."""
    assert 0.05 < run.model.threshold < 0.5


def test_state_is_small(run: Run) -> None:
    assert len(pickle.dumps(run.model)) < 500_000


def test_reasons_name_what_is_suspicious(run: Run) -> None:
    event = transactions(1)[0]
    suspicious = msgspec.structs.replace(event, amount=4000.0, cvv_provided=False)
    reasons = run.model.explain_one(PROJECT.features(suspicious))
    assert sorted(reasons, key=reasons.__getitem__)[-2:] == ["cvv_provided", "amount"]


def test_decision_agrees_with_the_task(run: Run) -> None:
    for event in transactions(300, seed=9):
        x = PROJECT.features(event)
        prediction = PROJECT.task.predict(run.model, x)
        assert prediction is not None
        assert prediction.decision == run.model.predict_one(x)
        assert prediction.threshold == run.model.threshold


def test_an_untaught_model_does_not_answer() -> None:
    assert PROJECT.task.predict(PROJECT.model(), PROJECT.features(transactions(1)[0])) is None


def test_features_hold_no_identity_and_no_label() -> None:
    event = transactions(1)[0]
    others = {"transaction_id": "x", "user_id": "y", "ip_address": "z", "is_fraud": 1}
    assert PROJECT.features(msgspec.structs.replace(event, **others)) == PROJECT.features(event)


def test_features_hold_the_hour() -> None:
    event = msgspec.json.decode(
        msgspec.json.encode({**next(events("fraud")), "timestamp": "2026-01-01T18:30:00+00:00"}),
        type=Transaction,
    )
    assert PROJECT.features(event)["hour"] == 18.5


def test_an_unknown_category_is_no_trouble(run: Run) -> None:
    event = msgspec.structs.replace(
        transactions(1)[0], merchant_id="new", currency="XAU", product_category=""
    )
    assert 0 < run.model.predict_proba_one(PROJECT.features(event))[1] < 1


@pytest.mark.parametrize("query", PROJECT.queries, ids=lambda query: query.title)
def test_every_query_runs_over_the_columns_of_the_event(query: Any) -> None:
    first, *others = transactions(30)
    large_fraud = msgspec.structs.replace(first, amount=5000.0, is_fraud=1)
    table = [msgspec.to_builtins(event) for event in (large_fraud, *others)]
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE fraud ({columns})")
        connection.executemany(
            f"INSERT INTO fraud VALUES ({', '.join('?' * len(COLUMNS))})",  # noqa: S608
            [[row[name] for name in COLUMNS] for row in table],
        )
        rows = connection.execute(query.sql).fetchall()
    assert rows


COLUMNS = {
    "transaction_id": "VARCHAR",
    "timestamp": "TIMESTAMP",
    "amount": "DOUBLE",
    "merchant_id": "VARCHAR",
    "transaction_type": "VARCHAR",
    "is_fraud": "INTEGER",
}


def test_model_is_made_for_the_beta_of_the_metrics() -> None:
    assert isinstance(PROJECT.task, BinaryClassification)
    assert fraud.model().beta == PROJECT.task.beta

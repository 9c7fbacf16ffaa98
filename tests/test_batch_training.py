from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import msgspec
import pandas as pd
import pytest
from mlflow import MlflowClient

from flows.batch import frozen, offered, training
from flows.batch.dataset import load
from flows.batch.diagnosing import diagnose
from flows.batch.order import Order, silent
from flows.batch.registered import BatchRegistry
from flows.batch.table import split
from flows.batch.training import Trained, judge, register, train
from flows.errors import (
    CodecError,
    ModelUnavailable,
    ProjectError,
    SignatureError,
    StoreError,
    VersionError,
)
from flows.learning import codec
from flows.projects import fraud
from flows.settings import Settings
from tests.batch_parts import drawn, lake

PROJECT = fraud.PROJECT
KEY = b"a key for lakes"

# MLflow warns of its own types when its loaders are imported.
pytestmark = pytest.mark.filterwarnings("ignore:.*type hint is inferred as AnyType:UserWarning")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    events = drawn(PROJECT, 3_000, fraud_probability=0.1)
    return lake(tmp_path_factory.mktemp("lake"), PROJECT, events)


@pytest.fixture(scope="module")
def trained(kept: Settings) -> Trained:
    return train(PROJECT, kept, Order(model="logistic_regression"), silent)


def test_the_best_on_the_validation_part_wins(kept: Settings) -> None:
    told: list[tuple[float, str]] = []
    found = train(PROJECT, kept, Order(rows=2_000), lambda *one: told.append(one))
    assert set(found.candidates) == set(offered.candidates(PROJECT))
    best = max(found.candidates, key=lambda name: found.candidates[name]["FBeta"])
    assert found.frozen.name == best
    assert found.frozen.rows == 2_000
    assert found.metrics["FBeta"] > 0.7
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert "validating gradient_boosting" in [stage for _, stage in told]


def test_metrics_are_those_of_the_last_fifth(kept: Settings, trained: Trained) -> None:
    test = split(load(PROJECT, kept, Order(), silent).table).test
    metrics = PROJECT.task.metrics()
    rows = [trained.frozen.row(inputs) for inputs in test.inputs()]
    for label, said in zip(test.labels, trained.frozen.predict_many(rows), strict=True):
        metrics.update(label, said)
    assert metrics.values().items() <= trained.metrics.items()
    assert {"AveragePrecision", "D2LogLoss", "D2Brier"} <= trained.metrics.keys()
    assert trained.frozen.scores == trained.metrics


def test_diagnostics_are_plain_json_and_all_there(trained: Trained) -> None:
    assert set(trained.diagnostics) == set(offered.short(PROJECT))
    json.dumps(trained.diagnostics, allow_nan=False)
    matrix = trained.diagnostics["confusion"]["matrix"]
    assert sum(map(sum, matrix)) == 600
    assert trained.diagnostics["roc"]["area"] == pytest.approx(trained.metrics["ROCAUC"], abs=0.01)
    assert trained.diagnostics["threshold"]["chosen"] == trained.notes["threshold"]


def test_the_same_rows_make_the_same_model(kept: Settings, trained: Trained) -> None:
    again = train(PROJECT, kept, Order(model="logistic_regression"), silent)
    assert again.metrics == trained.metrics


def test_what_was_never_seen_and_what_is_missing_can_be_predicted(trained: Trained) -> None:
    odd = {"amount": float("inf"), "merchant_id": "nobody", "currency": None, "hour": None}
    first, second = trained.frozen.predict_many([trained.frozen.row(odd), trained.frozen.row({})])
    assert 0 <= first.probability <= 1
    assert second.threshold == trained.notes["threshold"]
    assert trained.frozen.predict_many([]) == []


def test_learning_changes_nothing(trained: Trained) -> None:
    inputs = {"amount": 400.0}
    before = trained.frozen.predict_many([trained.frozen.row(inputs)])
    trained.frozen.learn(inputs, 1)
    assert trained.frozen.histories is None
    assert trained.frozen.predict_many([trained.frozen.row(inputs)]) == before


def test_a_model_goes_through_a_signed_frame(trained: Trained) -> None:
    frame = frozen.encode(trained.frozen, KEY)
    row = trained.frozen.row({"amount": 5_000.0})
    assert frozen.decode(frame, KEY).predict_many([row]) == trained.frozen.predict_many([row])
    with pytest.raises(SignatureError):
        frozen.decode(frame, b"another key")
    with pytest.raises(CodecError, match="a dict is no model"):
        frozen.decode(codec.dumps({}, KEY), KEY)


def test_a_model_of_another_scikit_learn_is_refused(trained: Trained) -> None:
    older = replace(trained.frozen, made_with="0.1")
    with pytest.raises(CodecError, match=r"with scikit-learn 0\.1, this is .*train it again"):
        frozen.decode(frozen.encode(older, KEY), KEY)


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (Order(rows=50), r"has 50 such rows with a label, and training needs 200; take more"),
        (Order(model="oracle"), "has no batch model 'oracle'; name one of gradient_boosting"),
    ],
)
def test_what_cannot_be_trained_is_told(kept: Settings, order: Order, said: str) -> None:
    with pytest.raises(ProjectError, match=said):
        train(PROJECT, kept, order, silent)


def test_labels_of_one_class_are_told(tmp_path: Path) -> None:
    honest = drawn(PROJECT, 300, fraud_probability=0.0)
    with pytest.raises(ProjectError, match="all 180 labels of the training part are the same"):
        train(PROJECT, lake(tmp_path, PROJECT, honest), Order(), silent)


def test_judging_predicts_before_a_label_is_taken_in(kept: Settings) -> None:
    class Echo:
        """Says of each event whether the one before it was fraud."""

        histories: Any = 0

        def row(self, _inputs: Any) -> tuple[Any, ...]:
            return (self.histories,)

        def learn(self, _inputs: Any, label: int) -> None:
            self.histories = label

        def predict_many(self, rows: Any) -> list[Any]:
            return [fraud.PROJECT.task.prediction(float(one), one, 0.5) for (one,) in rows]

    table = load(PROJECT, kept, Order(rows=300), silent).table
    _, said = judge(PROJECT, Echo(), table)
    assert [one.decision for one in said] == [0, *table.labels[:-1]]


@pytest.fixture(scope="module")
def registered(kept: Settings, trained: Trained, tracking: str) -> tuple[Settings, str]:
    settings = kept.model_copy(update={"mlflow_uri": tracking})
    with pytest.raises(ModelUnavailable, match=r"run `python -m scripts\.train_batch fraud`"):
        frozen.load(PROJECT, settings)
    return settings, register(PROJECT, settings, trained)


def test_a_registered_model_is_loaded_by_its_alias(
    registered: tuple[Settings, str], trained: Trained
) -> None:
    settings, version = registered
    loaded = frozen.load(PROJECT, settings)
    row = loaded.row({"amount": 5_000.0})
    assert loaded.predict_many([row]) == trained.frozen.predict_many([row])
    assert loaded.version == version == trained.frozen.version
    assert frozen.load(PROJECT, settings, version).scores == trained.metrics


def test_all_that_is_known_is_beside_it(registered: tuple[Settings, str], trained: Trained) -> None:
    settings, version = registered
    registry = BatchRegistry(settings.mlflow_uri, PROJECT)
    facts = registry.facts()
    assert facts is not None
    assert (str(facts.version), facts.name) == (version, "logistic_regression")
    assert facts.metrics == trained.metrics
    assert facts.candidates == trained.candidates
    assert facts.data == trained.data
    assert (facts.first_time, facts.rows) == (trained.frozen.first_time, 3_000)
    assert facts.notes == trained.notes
    assert registry.diagnostics() == sorted(trained.diagnostics)
    assert registry.diagnostic("batch", "roc") == trained.diagnostics["roc"]
    registry.keep(version, "learning_curve", {"rows": [1, 2]})
    assert registry.diagnostic(version, "learning_curve") == {"rows": [1, 2]}
    run = MlflowClient(settings.mlflow_uri).get_run(facts.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params[f"version.{PROJECT.topic}"] == "1"
    assert run.data.metrics["FBeta"] == pytest.approx(trained.metrics["FBeta"])


def test_what_is_not_there_is_told(registered: tuple[Settings, str]) -> None:
    registry = BatchRegistry(registered[0].mlflow_uri, PROJECT)
    with pytest.raises(VersionError, match="fraud-batch has no version 99"):
        registry.facts(99)
    with pytest.raises(VersionError, match=r"has no diagnostics/secrets\.json"):
        registry.diagnostic("batch", "secrets")
    with pytest.raises(VersionError, match="has the alias best; train one"):
        registry.frame("best")


def test_a_version_loads_as_a_plain_mlflow_model(
    registered: tuple[Settings, str], trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, _ = registered
    monkeypatch.setenv("REALTIME_SIGNING_KEY", "a key for lakes")
    mlflow.set_tracking_uri(settings.mlflow_uri)
    model = mlflow.pyfunc.load_model("models:/fraud-batch@batch")
    events = drawn(PROJECT, 5, seed=4, fraud_probability=0.5)
    frame = pd.DataFrame([msgspec.to_builtins(one) for one in events])
    said = model.predict(frame.drop(columns="is_fraud"))
    rows = [trained.frozen.row(PROJECT.inputs(one, trained.frozen.past)) for one in events]
    wanted = [one.probability for one in trained.frozen.predict_many(rows)]
    assert said["probability"].tolist() == pytest.approx(wanted)
    assert model.metadata.signature.inputs.has_input_names()
    assert model.input_example is not None


def test_a_model_that_could_not_be_registered_changes_nothing(
    registered: tuple[Settings, str], trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, version = registered

    def fail(*_: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(BatchRegistry, "_log", fail)
    with pytest.raises(StoreError, match="no space left"):
        training.register(PROJECT, settings, trained)
    facts = BatchRegistry(settings.mlflow_uri, PROJECT).facts()
    assert facts is not None
    assert str(facts.version) == version
    client = MlflowClient(settings.mlflow_uri)
    run = client.get_run(facts.run_id)
    failed = client.search_runs([run.info.experiment_id], "attributes.status = 'FAILED'")
    assert len(failed) == 1


def test_runs_of_trainings_that_died_are_closed(
    registered: tuple[Settings, str],
) -> None:
    settings, _ = registered
    registry = BatchRegistry(settings.mlflow_uri, PROJECT)
    facts = registry.facts()
    assert facts is not None
    died = registry._begin(facts)
    assert (registry.sweep(), registry.sweep()) == (1, 0)
    client = MlflowClient(settings.mlflow_uri)
    assert client.get_run(died).info.status == "KILLED"
    assert client.get_run(facts.run_id).info.status == "FINISHED"


def test_a_long_diagnostic_is_kept_beside_its_version(
    registered: tuple[Settings, str], trained: Trained
) -> None:
    settings, version = registered
    shares: list[float] = []
    found = diagnose(
        PROJECT,
        settings,
        "batch",
        "permutation_importance",
        lambda share, _stage: shares.append(share),
    )
    assert found["score"] == pytest.approx(trained.metrics["FBeta"], abs=1e-6)
    registry = BatchRegistry(settings.mlflow_uri, PROJECT)
    assert registry.diagnostic(version, "permutation_importance") == found
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_diagnostic_that_there_is_not_is_told(registered: tuple[Settings, str]) -> None:
    settings, _ = registered
    with pytest.raises(ProjectError, match="no long diagnostic 'roc'; name one of learning_curve"):
        diagnose(PROJECT, settings, "batch", "roc", silent)
    with pytest.raises(VersionError, match="has no version 99"):
        diagnose(PROJECT, settings, 99, "learning_curve", silent)

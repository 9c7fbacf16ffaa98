"""A registered version in a foreign process, by nothing but MLflow's own loading."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.learning import codec
from flows.learning.learner import Learner
from flows.projects import fraud
from flows.stores.live import Facts
from flows.stores.registry import Registry
from tests.examples import feed, fraud_events, fraud_values, without_label

KEY = "a key for tests"
PROJECT = fraud.PROJECT

# MLflow warns of its own types when its loaders are imported.
pytestmark = pytest.mark.filterwarnings("ignore:.*type hint is inferred as AnyType:UserWarning")
ROOT = Path(__file__).parents[1]

FOREIGN = """
import json, sys
import mlflow, pandas as pd
model = mlflow.pyfunc.load_model(sys.argv[1])
print(model.predict(pd.DataFrame(json.load(sys.stdin))).to_json(orient="records"))
"""


@pytest.fixture(scope="module")
def learner() -> Learner:
    learner = Learner.fresh(PROJECT, lineage=1)
    feed(learner, fraud_events(1_500))
    return learner


@pytest.fixture(scope="module")
def model_uri(mlflow_uri: str, unique: Callable[[str], str], learner: Learner) -> str:
    """Where MLflow has the champion."""
    name = unique("served")
    facts = Facts(
        project=PROJECT.slug,
        shard=0,
        lineage=1,
        generation=1,
        events_learned=1_500,
        version="1.1500",
        published_at=0.0,
        event_time=None,
        metrics={},
        report={},
        counts={"events": 1_500, "labels": 0},
        alarms=[],
    )
    frame = codec.dumps(learner.state, KEY.encode())
    Registry(mlflow_uri, name, f"topic-{name}", "FBeta").register(facts, frame)
    return f"models:/{name}@champion"


def load_and_predict(
    uri: str, tracking: str, values: list[dict[str, Any]], folder: Path, key: str = KEY
) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "MLFLOW_TRACKING_URI": tracking,
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "REALTIME_SIGNING_KEY": key,
    }
    return subprocess.run(
        (sys.executable, "-c", FOREIGN, uri),
        env=environment,
        cwd=folder,
        input=json.dumps(values),
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("labelled", [True, False], ids=["with labels", "without"])
def test_it_predicts_what_the_learner_predicts(
    model_uri: str, mlflow_uri: str, learner: Learner, tmp_path: Path, labelled: bool
) -> None:
    values = list(fraud_values(40, seed=5))
    if not labelled:
        values = [{**value, "is_fraud": None} for value in values]
    ended = load_and_predict(model_uri, mlflow_uri, values, tmp_path)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout.splitlines()[-1])
    model, task = learner.state.model, PROJECT.task
    for row, event in zip(found, map(without_label, fraud_events(40, seed=5)), strict=True):
        expected: Any = task.predict(model, PROJECT.features(event))
        assert row["probability"] == pytest.approx(expected.probability, abs=1e-9)
        assert row["decision"] == expected.decision


def test_with_another_key_it_is_not_loaded(model_uri: str, mlflow_uri: str, tmp_path: Path) -> None:
    ended = load_and_predict(model_uri, mlflow_uri, [], tmp_path, key="another key")
    assert ended.returncode != 0
    assert "REALTIME_SIGNING_KEY" in ended.stderr

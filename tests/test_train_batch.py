from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from flows.batch.registered import BatchRegistry
from flows.projects import fraud
from flows.settings import Settings
from scripts import train_batch
from tests.batch_parts import drawn, lake

PROJECT = fraud.PROJECT

# MLflow warns of its own types when its loaders are imported.
pytestmark = pytest.mark.filterwarnings("ignore:.*type hint is inferred as AnyType:UserWarning")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    events = drawn(PROJECT, 1_000, fraud_probability=0.2)
    return lake(tmp_path_factory.mktemp("lake"), PROJECT, events)


@pytest.fixture(autouse=True)
def environment(kept: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REALTIME_LAKE_URI", kept.lake_uri)
    monkeypatch.setenv("REALTIME_SIGNING_KEY", "a key for lakes")


def test_what_came_out_is_told_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["fraud", "--model", "logistic_regression", "--rows", "800", "--dry-run", "--json"]
    assert train_batch.main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["project"], told["rows"], told["version"]) == ("fraud", 800, None)
    assert set(told["candidates"]) == {"logistic_regression"}
    assert told["data"] == {PROJECT.topic: 1, f"{PROJECT.topic}_outcomes": 1}
    assert told["metrics"]["FBeta"] > 0.5
    assert told["peak_mb"] > 0


def test_a_trained_model_is_registered(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tracking: str
) -> None:
    monkeypatch.setenv("REALTIME_MLFLOW_URI", tracking)
    assert train_batch.main(["fraud", "--model", "logistic_regression"]) == 0
    told = capsys.readouterr()
    assert "logistic_regression of 1000 rows" in told.out
    assert "100% trained" in told.err
    facts = BatchRegistry(tracking, PROJECT).facts()
    assert facts is not None
    assert f"version {facts.version}" in told.out


def test_what_cannot_be_done_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert train_batch.main(["fraud", "--rows", "20", "--dry-run"]) == 1
    assert "train_batch: fraud: the lake has 20 such rows" in capsys.readouterr().err
    assert train_batch.main(["nothing"]) == 1
    assert "no project 'nothing'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rows", "some"], "'some' is no number of rows"),
        (["--rows", "0"], "'0' is no number of rows"),
        (["--since", "yesterday"], "'yesterday' is no time; give it as"),
    ],
)
def test_options_that_cannot_be_used_are_told(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit):
        train_batch.main(["fraud", *arguments])
    assert said in capsys.readouterr().err


def test_a_time_without_a_zone_is_utc() -> None:
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert train_batch._time("2026-01-31T12:00") == noon
    assert train_batch._time("2026-01-31T14:00+02:00") == noon

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.projects import fraud, interactions
from scripts import bench_sql
from tests.flow_process import rows
from tests.lake_rows import lake_at


@pytest.mark.parametrize("late", [False, True])
def test_rows_are_repeated_with_ids_and_times_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    monkeypatch.setattr(bench_sql, "LEARNT", 50)
    monkeypatch.setattr(bench_sql, "FILE_ROWS", 100)
    bench_sql.fill(lake_at(tmp_path), fraud.PROJECT, 250, late)
    events = rows(lake_at(tmp_path), fraud.PROJECT.topic)
    assert events["transaction_id"].n_unique() == events.height == 250
    assert events["is_fraud"].null_count() == (250 if late else 0)
    assert events["timestamp"].n_unique() > 200
    outcomes = rows(lake_at(tmp_path), f"{fraud.PROJECT.topic}_outcomes")
    assert set(outcomes["event_id"]) == set(events["transaction_id"])
    assert set(outcomes["status"]) == {"matched"}


def test_a_project_without_labels_has_no_outcomes(tmp_path: Path) -> None:
    bench_sql.fill(lake_at(tmp_path), interactions.PROJECT, 30, True)
    assert rows(lake_at(tmp_path), interactions.PROJECT.topic).height == 30
    assert rows(lake_at(tmp_path), f"{interactions.PROJECT.topic}_outcomes").height == 0


def test_times_and_runaways_are_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = {engine: [bench_sql.ENDLESS] for engine in ("duckdb", "polars")}
    monkeypatch.setattr(bench_sql, "RUNAWAYS", endless)
    arguments = ["--rows", "200", "--times", "1", "--limit", "2", "--json", "--runaways"]
    assert bench_sql.main([*arguments, "--labels", "late"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["labels"]) == (200, "late")
    for engine in ("duckdb", "polars"):
        assert told[engine]["Newest 100"]["median"] > 0
        (ratio,) = told["runaways"][engine]
        assert ratio >= 1

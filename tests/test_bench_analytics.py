from __future__ import annotations

import json

import pytest

from scripts import bench_analytics, bench_sql


def test_every_figure_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_sql, "LEARNT", 100)
    kinds = {name: bench_analytics.CHARTS[name] for name in ("pie", "scatter")}
    monkeypatch.setattr(bench_analytics, "CHARTS", kinds)
    assert bench_analytics.main(["--rows", "300", "--times", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"] == 300
    assert told["profile"]["MB"] > 50
    assert told["profile"]["median"] > 0
    assert set(told["charts"]) == {"pie", "scatter"}
    for each in told["charts"].values():
        assert each["both"] == pytest.approx(
            each["figures"]["median"] + each["picture"]["median"], abs=0.002
        )


def test_every_kind_of_chart_is_measured() -> None:
    assert {one["kind"] for one in bench_analytics.CHARTS.values()} == {
        *("bar", "line", "scatter", "pie", "heatmap", "histogram", "box")
    }

"""The flow's speed is measured beside that of the bare loop."""

from __future__ import annotations

import json

import pytest

from scripts import bench


@pytest.mark.slow
def test_the_flow_and_the_bare_loop_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["fraud", "--events", "3000", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["events"] == 3_000
    assert len(figures["bare_runs"]) == 2
    assert figures["flow_events_per_second"] > 0
    assert figures["ratio"] == pytest.approx(
        figures["flow_events_per_second"] / figures["bare_events_per_second"], abs=0.01
    )
    assert figures["state_bytes"] > figures["model_bytes"] > 0

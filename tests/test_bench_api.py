"""How long a prediction takes is measured beside a request that does nothing."""

from __future__ import annotations

import json

import pytest

from scripts import bench_api
from scripts.bench_api import Round, run_round
from scripts.local.ports import free_port

pytestmark = pytest.mark.slow


def test_both_routes_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--events", "300", "--rounds", "1", "--seconds", "0.2"]
    assert bench_api.main(["fraud", *few, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["connections"] == 32
    fraud = figures["projects"]["fraud"]
    for name in ("idle", "predict"):
        assert fraud[name]["requests"] >= 32
        assert 0 < fraud[name]["p50"] <= fraud[name]["p99"]
    expected = fraud["predict"]["p99"] / fraud["idle"]["p99"]
    assert fraud["p99_ratio"] == pytest.approx(expected, abs=0.001)


def test_nobody_to_ask_is_an_error() -> None:
    request = b"GET /livez HTTP/1.1\r\nHost: bench\r\n\r\n"
    with pytest.raises(OSError, match=r"refused|Connect"):
        run_round(Round(free_port(), (request,), 0.1))

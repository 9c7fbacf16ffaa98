"""Deaths by order: where they strike, that they repeat, and that production refuses them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.errors import SettingsError
from flows.settings import Settings, load
from flows.streaming import faults
from flows.streaming.faults import POINTS
from scripts.local.environment import environment

FLOWS = Path(__file__).parents[1] / "flows"
THROUGH_ALL = """
import sys
from flows.streaming import faults
faults.arm(int(sys.argv[1]), float(sys.argv[2]))
for round in range(1, 51):
    for name in faults.POINTS:
        faults.point(name)
    print(round, flush=True)
"""


@pytest.fixture(autouse=True)
def nothing_armed() -> Iterator[None]:
    yield
    faults.arm(0, 0.0)


def passing(seed: int, rate: float) -> subprocess.CompletedProcess[str]:
    """A process that passes every point fifty times, if it lives."""
    return subprocess.run(
        (sys.executable, "-c", THROUGH_ALL, str(seed), str(rate)),
        capture_output=True,
        text=True,
        check=False,
        cwd=FLOWS.parent,
    )


def death(seed: int, rate: float) -> tuple[str, int]:
    """Where an armed process dies, and how many rounds it lived."""
    done = passing(seed, rate)
    assert done.returncode == -signal.SIGKILL
    found = re.fullmatch(r"fault: dying at (\S+)\n", done.stderr)
    assert found
    return found[1], len(done.stdout.splitlines())


def test_without_a_rate_nobody_dies() -> None:
    done = passing(1, 0.0)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 50


def test_an_unarmed_point_does_nothing() -> None:
    faults.arm(3, 0.0)
    for name in POINTS:
        faults.point(name)


def test_a_certain_fault_strikes_at_the_first_passing() -> None:
    name, rounds = death(1, 1.0)
    assert name in POINTS
    assert rounds == 0


def test_the_same_seed_dies_at_the_same_passing() -> None:
    assert death(5, 0.1) == death(5, 0.1)


def test_each_seed_has_one_point_and_all_have_some(monkeypatch: pytest.MonkeyPatch) -> None:
    deaths: list[int] = []
    monkeypatch.setattr(os, "kill", lambda _, number: deaths.append(number))
    monkeypatch.setattr(os, "write", lambda *_: None)
    seeds = 20 * len(POINTS)
    struck: Counter[str] = Counter()
    for seed in range(seeds):
        faults.arm(seed, 1.0)
        for name in POINTS:
            faults.point(name)
            struck[name] += len(deaths)
            deaths.clear()
    assert all(struck[name] for name in POINTS)
    assert struck.total() == seeds


def test_every_point_is_somewhere_in_the_flows() -> None:
    text = "".join(path.read_text() for path in FLOWS.rglob("*.py"))
    placed = Counter(re.findall(r'faults\.point\("([^"]+)"\)', text))
    assert placed == Counter(POINTS)


def test_faults_are_off_by_default() -> None:
    assert Settings(_env_file=None).fault_rate == 0


def test_settings_with_faults_survive_the_way_to_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Settings(_env_file=None, fault_seed=7, fault_rate=0.5)
    for name, value in environment(asked).items():
        monkeypatch.setenv(name, value)
    assert (load().fault_seed, load().fault_rate) == (7, 0.5)


@pytest.mark.parametrize("rate", ["-0.1", "1.1", "often"])
def test_a_rate_is_a_probability(monkeypatch: pytest.MonkeyPatch, rate: str) -> None:
    monkeypatch.setenv("REALTIME_FAULT_RATE", rate)
    with pytest.raises(SettingsError, match="REALTIME_FAULT_RATE"):
        load()


@pytest.mark.parametrize("rate", [0.0, 0.01])
def test_production_refuses_faults(rate: float) -> None:
    complete: dict[str, Any] = {
        "kafka_bootstrap": "kafka:9092",
        "redis_url": "redis://redis:6379/0",
        "mlflow_uri": "http://mlflow:5000",
        "lake_uri": "s3://lake",
        "signing_key": "a secret",
    }
    if not rate:
        assert Settings(_env_file=None, profile="prod", fault_rate=rate, **complete)
        return
    with pytest.raises(ValueError, match="not in production"):
        Settings(_env_file=None, profile="prod", fault_rate=rate, **complete)

"""`./scripts/up` as people run it: everything real, twice, the second going on from the first."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil

from tests.conftest import free_port

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 120


def _events_learned(api: int, at_least: int) -> int:
    """Wait until the model that the API serves has learned so many."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        response = httpx2.get(f"http://127.0.0.1:{api}/projects/fraud/metrics", timeout=10)
        answer: dict[str, Any] = response.json()
        assert response.status_code in (200, 503), answer
        if response.is_success and answer["events_learned"] >= at_least:
            return int(answer["events_learned"])
        time.sleep(0.2)
    raise AssertionError(f"fewer than {at_least} events learned: {answer}")


@contextmanager
def _up(data: Path, ports: dict[str, int], log: Path) -> Iterator[None]:
    """The platform, ready; afterwards it has ended well, and all of its processes with it."""
    urls = {
        "REALTIME_KAFKA_BOOTSTRAP": f"127.0.0.1:{ports['kafka']}",
        "REALTIME_REDIS_URL": f"redis://127.0.0.1:{ports['redis']}/0",
        "REALTIME_MLFLOW_URI": f"http://127.0.0.1:{ports['mlflow']}",
        "REALTIME_API_PORT": str(ports["api"]),
        "REALTIME_DASHBOARD_PORT": str(ports["dashboard"]),
    }
    command = ["./scripts/up", "--only", "fraud", "--rate", "200", "--data", str(data)]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **urls}, stdout=output, stderr=output
        )
        try:
            _wait_for_line(log, process, "all is ready")
            family = psutil.Process(process.pid).children(recursive=True)
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()
    assert process.returncode == 0, log.read_text()
    assert len(family) >= 8
    assert not any(member.is_running() for member in family)


def _wait_for_line(log: Path, process: subprocess.Popen[bytes], text: str) -> None:
    while text not in log.read_text():
        assert process.poll() is None, log.read_text()
        time.sleep(0.2)


def test_second_start_goes_on_from_the_models_of_the_first(tmp_path: Path) -> None:
    data = tmp_path / "data"
    names = ("kafka", "redis", "mlflow", "api", "dashboard")
    ports = {name: free_port() for name in names}
    with _up(data, ports, tmp_path / "first.log"):
        learned = _events_learned(ports["api"], at_least=200)
        assert httpx2.get(f"http://127.0.0.1:{ports['dashboard']}/", timeout=60).is_success
    with _up(data, ports, tmp_path / "second.log"):
        assert _events_learned(ports["api"], at_least=1) >= learned
        _events_learned(ports["api"], at_least=learned + 400)
    assert "going on from the champion" in (tmp_path / "second.log").read_text()

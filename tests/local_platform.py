"""`./scripts/up` as people run it, for tests of a whole platform."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import psutil

from flows.projects import PROJECTS
from scripts.local.ports import free_port
from tests.log_ending import ending

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 120
PARTS = ("kafka", "redis", "mlflow", "flow", "bytewax", "api", "dashboard", "producer", "batch")


@dataclass(frozen=True, slots=True)
class Platform:
    """One that runs: its ports by part, and what it says."""

    ports: dict[str, int]
    log: Path

    def url(self, part: str, path: str = "") -> str:
        """The address of a part's page."""
        return f"http://127.0.0.1:{self.ports[part]}{path}"

    def learned(self, at_least: int, slug: str = "fraud") -> int:
        """Wait until the model that the API serves has learned so many events; how many it has."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            response = httpx2.get(self.url("api", f"/projects/{slug}/metrics"), timeout=60)
            answer: dict[str, Any] = response.json()
            assert response.status_code in (200, 503), answer
            if response.is_success and answer["events_learned"] >= at_least:
                return int(answer["events_learned"])
            time.sleep(0.2)
        raise AssertionError(f"fewer than {at_least} events learned: {answer}")


def free_ports() -> dict[str, int]:
    """A free port for each part; those of flows and producers begin one for each project."""
    return {name: free_port(len(PROJECTS)) for name in PARTS}


@contextmanager
def running(
    data: Path,
    ports: dict[str, int],
    log: Path,
    *arguments: str,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Platform]:
    """The platform, ready; afterwards it has ended well, and all of its processes with it."""
    command = ["./scripts/up", "--data", str(data), *arguments]
    environment = {**os.environ, **_places(ports), **(settings or {})}
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            _wait_for_line(log, process, "all is ready")
            family = psutil.Process(process.pid).children(recursive=True)
            yield Platform(ports, log)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()
    assert process.returncode == 0, ending(log)
    assert len(family) >= 8
    assert not any(member.is_running() for member in family)


def _places(ports: dict[str, int]) -> dict[str, str]:
    return {
        "REALTIME_KAFKA_BOOTSTRAP": f"127.0.0.1:{ports['kafka']}",
        "REALTIME_REDIS_URL": f"redis://127.0.0.1:{ports['redis']}/0",
        "REALTIME_MLFLOW_URI": f"http://127.0.0.1:{ports['mlflow']}",
        "REALTIME_API_PORT": str(ports["api"]),
        "REALTIME_DASHBOARD_PORT": str(ports["dashboard"]),
        "REALTIME_FLOW_METRICS_PORT": str(ports["flow"]),
        "REALTIME_PRODUCER_METRICS_PORT": str(ports["producer"]),
        "REALTIME_BATCH_METRICS_PORT": str(ports["batch"]),
    }


def _wait_for_line(log: Path, process: subprocess.Popen[bytes], text: str) -> None:
    while text not in log.read_text():
        assert process.poll() is None, ending(log)
        time.sleep(0.2)

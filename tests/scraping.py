"""A real Prometheus with the rules that are deployed, and what it answers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import yaml

from scripts.local.ports import free_port
from tests.alerting import MONITORING, running

SECONDS = 60
"""What stands for the intervals of boards, over which they take rates."""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One that runs at a URL."""

    url: str

    def ask(self, what: str, **parameters: str) -> Any:
        """The data of an answer of its API."""
        answer = httpx2.get(f"{self.url}/api/v1/{what}", params=parameters, timeout=30)
        assert answer.is_success, answer.text
        return answer.json()["data"]

    def results(self, expression: str) -> list[dict[str, Any]]:
        """The series that an expression gives now."""
        found: list[dict[str, Any]] = self.ask("query", query=expression)["result"]
        return found

    def numbers(self, expression: str) -> list[float]:
        """The values that an expression gives now, where they are numbers."""
        values = [float(one["value"][1]) for one in self.results(expression)]
        return [value for value in values if not math.isnan(value)]

    def targets(self) -> list[dict[str, Any]]:
        """What it scrapes."""
        found: list[dict[str, Any]] = self.ask("targets", state="active")["activeTargets"]
        return found

    def rules(self) -> list[dict[str, Any]]:
        """Its alerts, with how their last evaluation went."""
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]


def deployed() -> dict[str, Any]:
    """The configuration that is deployed."""
    text = (MONITORING / "prometheus/prometheus.yml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def job(name: str) -> dict[str, Any]:
    """One job of what is deployed."""
    [found] = [one for one in deployed()["scrape_configs"] if one["job_name"] == name]
    return dict(found)


@contextmanager
def scraping(jobs: Sequence[dict[str, Any]], folder: Path) -> Iterator[Prometheus]:
    """A Prometheus with these jobs, each second, and with the rules that are deployed."""
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(MONITORING / "rules/*.yml")],
        "scrape_configs": list(jobs),
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    command = [
        *("prometheus", f"--config.file={folder / 'prometheus.yml'}"),
        *(f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}"),
    ]
    with running(command, f"http://{address}", folder / "prometheus.log") as url:
        yield Prometheus(url)


def at_once(expression: str) -> str:
    """A board's expression with all projects, and with intervals that are short."""
    chosen = expression.replace("$project", ".*").replace("$__rate_interval", f"{SECONDS}s")
    return re.sub(r"\[\d+[mh]\]", f"[{SECONDS}s]", chosen)

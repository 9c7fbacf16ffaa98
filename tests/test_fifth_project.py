"""A project of one's own, named by a setting: from its file to flow, API and page."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.events import example
from dashboard.feed import Snapshot
from dashboard.store import Store
from dashboard.views.project import ProjectPage
from flows.projects import Registry
from flows.settings import Settings
from scripts.local.environment import environment
from scripts.local.parts import entry
from tests import phishing
from tests.flow_process import FlowProcess, live, rows, seen, until

ROOT = Path(__file__).parents[1]
SITES = 1_250


@pytest.fixture
def own(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with the project's module in them; nothing else names it."""
    monkeypatch.setenv("REALTIME_PROJECTS", "tests.phishing")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return settings.model_copy(update={"projects": "tests.phishing", "publish_seconds": 0.1})


def run(settings: Settings, *command: str) -> str:
    """Run one of the project's own commands to its end."""
    ended = subprocess.run(
        (sys.executable, "-m", *command),
        env={**environment(settings), "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    return ended.stdout


def test_it_has_no_module_of_its_own_under_flows() -> None:
    assert entry("phishing") == "flows.streaming.dataflow:run('phishing')"
    assert entry("fraud") == "flows.fraud"


def test_a_project_of_ones_own_is_learnt_served_and_shown(own: Settings, tmp_path: Path) -> None:
    sites = tmp_path / "sites.jsonl"
    sites.write_bytes(msgspec.json.encode(list(phishing.values()))[1:-1].replace(b"},{", b"}\n{"))
    told = run(own, "scripts.produce", "phishing", "--input", str(sites))
    assert json.loads(told)["events"] == SITES
    project, store = Registry()["phishing"], live(own, phishing.PROJECT)
    with FlowProcess(own, tmp_path / "recovery", "phishing") as flow:
        flow.until(lambda: seen(store) == SITES)
        assert flow.stop() == 0
    assert len(rows(own, "phishing_sites")) == len(rows(own, "phishing_sites_outcomes")) == SITES
    with TestClient(create_app(own, {"phishing": project})) as client:
        judged = run(own, "scripts.evaluate", "phishing", "--input", str(sites), "--json")
        assert_served_and_shown(client, json.loads(judged))


def assert_served_and_shown(client: TestClient, judged: dict[str, Any]) -> None:
    def detail() -> Any:
        return client.get("/projects/phishing").json()

    until(lambda: detail()["model"])
    assert detail()["counts"]["learned"] == SITES
    metrics = client.get("/projects/phishing/metrics").json()
    assert metrics["metrics"] == pytest.approx(judged["metrics"])
    assert set(judged["challengers"]) == {"naive bayes"}
    answer = client.post("/projects/phishing/predict", json=example(phishing.PROJECT)).json()
    assert answer["prediction"]["decision"] in (0, 1)
    page = ProjectPage(phishing.PROJECT, Store(None))  # type: ignore[arg-type]
    page.open()
    page.snapshot = Snapshot(project=detail(), metrics=metrics, history=[])
    page.predict.answer = answer
    assert "F1" in page.live.kpis.tiles.values
    page.__panel__().get_root()

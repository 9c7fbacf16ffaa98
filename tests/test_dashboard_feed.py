from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import pytest

from dashboard.client import Client
from dashboard.feed import Feed, Snapshot
from dashboard.store import Store
from tests.http_server import HttpServer

MODEL = {
    "version": "7", "lineage": 1, "generation": 1, "events_learned": 10,
    "published_at": "2026-01-01T00:00:00Z", "age_seconds": 2.0,
}  # fmt: skip
VERSION = {"version": 3, "aliases": ["champion"], "events_learned": 9, "metrics": {"FBeta": 0.4}}
POINT = {"events_learned": 10, "time": 1.0, "metrics": {"FBeta": 0.5}}


ALL_WELL = {"metrics": 200, "project": 200, "models": 200}


class Script:
    """An API whose project, metrics and history a test changes."""

    def __init__(self) -> None:
        self.project: Any = {"slug": "fraud", "model": MODEL}
        self.metrics: Any = {"metrics": {"FBeta": 0.5}}
        self.status = dict(ALL_WELL)

    def __call__(self, path: str) -> tuple[int, str]:
        if path.endswith("/models"):
            return self.status["models"], json.dumps({"models": [VERSION]})
        if "history" in path:
            return 200, json.dumps({"points": [POINT]})
        if path.endswith("/metrics"):
            return self.status["metrics"], json.dumps(self.metrics)
        return self.status["project"], json.dumps(self.project)


@pytest.fixture
def script() -> Script:
    return Script()


def read(script: Script, *changes: dict[str, Any]) -> tuple[list[Snapshot], list[str]]:
    """Read once, and again after each change; returns the snapshots and the paths asked."""

    async def all_of_them(server: HttpServer) -> list[Snapshot]:
        client = Client(server.url)
        seconds = itertools.count()
        feed = Feed(Store(client, lambda: next(seconds)), "fraud")
        snapshots = [await feed.read()]
        for change in changes:
            for name, value in change.items():
                setattr(script, name, value)
            snapshots.append(await feed.read())
        await client.close()
        return snapshots

    with HttpServer(script) as server:
        return asyncio.run(all_of_them(server)), server.asked


def test_first_look_brings_project_metrics_and_curve(script: Script) -> None:
    (snapshot,), _ = read(script)
    assert snapshot.project == script.project
    assert snapshot.metrics == script.metrics
    assert snapshot.history == [POINT]
    assert snapshot.failure is None


def test_curve_is_read_again_only_for_a_newer_model(script: Script) -> None:
    newer = {"slug": "fraud", "model": {**MODEL, "version": "8"}}
    _, asked = read(script, {}, {}, {"project": newer})
    assert asked.count("/projects/fraud") == 4
    assert asked.count("/projects/fraud/metrics") == 2


def test_absent_model_leaves_no_metrics_behind(script: Script) -> None:
    (_, snapshot), _ = read(script, {"project": {"slug": "fraud", "model": None}})
    assert (snapshot.metrics, snapshot.history, snapshot.age_seconds) == (None, [], None)


def test_failure_keeps_what_was_known_and_says_why(script: Script) -> None:
    (before, after), _ = read(script, {"status": ALL_WELL | {"project": 502}})
    assert after.project == before.project
    assert after.failure is not None
    assert after.down_since is not None


def test_recovery_reads_everything_again(script: Script) -> None:
    down, up = ALL_WELL | {"project": 502}, ALL_WELL
    (*_, last), asked = read(script, {"status": down}, {"status": up})
    assert (last.failure, last.down_since) == (None, None)
    assert asked.count("/projects/fraud/metrics") == 2


def test_failing_metrics_are_not_swallowed(script: Script) -> None:
    script.status["metrics"] = 500
    script.metrics = {"title": "Internal Server Error", "detail": "its log says why"}
    (snapshot,), _ = read(script)
    assert snapshot.failure is not None
    assert snapshot.failure.detail == "its log says why"


def test_model_that_vanished_meanwhile_is_no_failure(script: Script) -> None:
    script.status["metrics"] = 503
    script.metrics = {"type": "urn:realtime:problem:no-model", "title": "No model yet"}
    (snapshot,), _ = read(script)
    assert (snapshot.failure, snapshot.metrics) == (None, None)


def test_versions_come_when_the_registry_has_answered(script: Script) -> None:
    snapshots, asked = read(script, {}, {}, {})
    assert snapshots[0].versions == []
    assert snapshots[-1].versions == [VERSION]
    assert "/projects/fraud/models" in asked


def test_silent_registry_is_no_failure_of_the_page(script: Script) -> None:
    *_, last = read(script, {"status": ALL_WELL | {"models": 502}}, {}, {})[0]
    assert last.versions in ([], [VERSION])
    assert last.failure is None


def test_age_grows_while_nothing_is_read(script: Script) -> None:
    (snapshot,), _ = read(script)
    first = snapshot.age_seconds
    assert first is not None
    assert first >= 2.0
    assert (snapshot.age_seconds or 0.0) > first

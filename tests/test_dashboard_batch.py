# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashboard.client import Client, Failure
from dashboard.store import Store
from dashboard.views.batch import Batch
from dashboard.views.batch_jobs import Jobs
from dashboard.views.diagnosed import Diagnosed
from flows.projects import fraud
from scripts.local.ports import free_port
from tests.http_server import HttpServer
from tests.test_dashboard_views import EMPTY, HISTORY, METRICS, SNAPSHOT

WHEN = "2026-11-22T04:39:49.260000Z"
JOB: dict[str, Any] = {
    "id": "a", "project": "fraud", "kind": "train", "order": {"rows": 5_000, "model": None},
    "state": "running", "progress": 0.42, "stage": "training k means", "reason": "", "result": "",
    "cancelling": False, "created": WHEN, "started": WHEN, "ended": None,
}  # fmt: skip
DONE = JOB | {
    "id": "b", "state": "done", "result": "7", "ended": "2026-11-22T04:40:19.260000Z",
}  # fmt: skip
FAILED = JOB | {"id": "c", "state": "failed", "reason": "too few rows", "ended": WHEN}
ANSWER: dict[str, Any] = {
    "jobs": [JOB, DONE, FAILED],
    "workers": 1,
    "waiting": 0,
    "candidates": ["gradient_boosting", "logistic_regression"],
    "diagnostics": ["learning_curve"],
}
MODEL: dict[str, Any] = {
    "version": 7,
    "name": "gradient_boosting",
    "score": {"name": "FBeta", "value": 0.881},
    "metrics": {"FBeta": 0.881, "AveragePrecision": 0.9},
    "candidates": {"gradient_boosting": {"FBeta": 0.87}, "logistic_regression": {"FBeta": 0.8}},
    "rows": 100_000,
    "first": WHEN,
    "last": WHEN,
    "created": WHEN,
    "seconds": 12.0,
}
BATCH = {"FBeta": 0.85, "RecentError": 0.05}
DUEL = replace(
    SNAPSHOT,
    metrics={
        **METRICS,
        "challengers": {"batch": BATCH},
        "contests": {
            "batch": {
                "labels": 2_000, "champion_error": 0.04, "challenger_error": 0.05, "t": -8.0
            }
        },
    },
    history=[
        {**point, "challengers": {"batch": BATCH}, "online": {"FBeta": 0.8, "RecentError": 0.04}}
        if number >= 5
        else point
        for number, point in enumerate(HISTORY)
    ],
)  # fmt: skip
NO_MODEL = Failure(503, "No model yet", "train one", body={"type": "urn:x:no-model"})
DIAGNOSTICS = {
    "version": 7,
    "diagnostics": [
        {"name": "confusion", "long": False, "ready": True},
        {"name": "learning_curve", "long": True, "ready": False},
    ],
}


@pytest.fixture
def store() -> Store:
    return Store(Client(f"http://127.0.0.1:{free_port()}"))


@pytest.fixture
def jobs(store: Store) -> Jobs:
    return Jobs("fraud", store)


@pytest.fixture
def view(store: Store) -> Batch:
    return Batch(fraud.PROJECT, store)


def test_job_that_runs_shows_how_far_it_is(jobs: Jobs) -> None:
    assert not jobs._now.visible
    jobs.answer = ANSWER
    assert jobs._now.visible
    assert "training k means, 42 %" in jobs._bar.html
    assert "value='42.0'" in jobs._bar.html
    jobs.answer = ANSWER | {"jobs": [JOB | {"cancelling": True}]}
    assert "being cancelled" in jobs._bar.html
    jobs.answer = ANSWER | {"jobs": [DONE]}
    assert not jobs._now.visible


def test_history_says_what_came_of_each(jobs: Jobs) -> None:
    jobs.answer = ANSWER
    assert [row[1:] for row in jobs._log.rows] == [
        ("all models, 5\u202f000 rows", "running", "—", "training k means"),
        ("all models, 5\u202f000 rows", "done", "30 s", "version 7"),
        ("all models, 5\u202f000 rows", "failed", "0.0 s", "too few rows"),
    ]


def test_only_what_has_ended_can_be_run_again(jobs: Jobs) -> None:
    jobs.answer = ANSWER | {"jobs": [JOB]}
    assert not jobs._ended.visible
    jobs.answer = ANSWER
    assert jobs._ended.visible
    assert list(jobs._which._select.options.values()) == ["b", "c"]


def test_oldest_of_those_that_wait_is_followed(jobs: Jobs) -> None:
    waiting = JOB | {"id": "z", "state": "queued", "progress": 0.0, "stage": ""}
    jobs.answer = ANSWER | {"jobs": [waiting, JOB]}
    assert jobs.running["id"] == "a"
    jobs.answer = ANSWER | {"jobs": [waiting]}
    assert jobs.running["id"] == "z"
    assert "queued, 0 %" in jobs._bar.html


def test_missing_worker_is_told(jobs: Jobs) -> None:
    jobs.answer = ANSWER
    assert jobs._alone.message == ""
    jobs.answer = ANSWER | {"workers": 0, "waiting": 2}
    assert jobs._alone.title == "No worker runs"
    assert "2 wait" in jobs._alone.message
    jobs.answer = Failure(503, "A store does not answer", "Redis failed")
    assert (jobs._alone.title, jobs._alone.severity) == ("A store does not answer", "error")


def test_order_is_what_the_inputs_say(jobs: Jobs) -> None:
    jobs.answer = ANSWER
    assert jobs.wanted == {"kind": "train"}
    jobs._model.choose("logistic_regression")
    jobs._rows.value, jobs._hours.value = 500, 2
    wanted = jobs.wanted
    since = datetime.fromisoformat(wanted.pop("since"))
    assert wanted == {"kind": "train", "model": "logistic_regression", "rows": 500}
    assert abs(datetime.now(UTC) - timedelta(hours=2) - since) < timedelta(minutes=1)


class Event:
    """A press of a button."""

    def __init__(self, button: Any) -> None:
        self.obj = button


def test_buttons_order_cancel_and_repeat(jobs: Jobs) -> None:
    asked: list[str] = []

    def answer(path: str) -> tuple[int, str]:
        asked.append(path)
        if path.endswith("cancel"):
            return 409, json.dumps({"title": "Another change comes first", "detail": "it ended"})
        return 202, json.dumps(JOB)

    async def press() -> None:
        with HttpServer(answer) as server:
            jobs._store.client = Client(server.url)
            await jobs._order(Event(jobs._train))
            assert "Ordered" in jobs._said.message
            await jobs._end(Event(jobs._cancel))
            assert jobs._said.message == "it ended"
            await jobs._repeat(Event(jobs._again))
            await jobs.diagnose("learning_curve")
            await jobs._store.client.close()

    jobs.answer = ANSWER
    asyncio.run(press())
    base = "/projects/fraud/batch/jobs"
    assert asked == [base, f"{base}/a/cancel", f"{base}/b/again", base]


def test_model_is_told_beside_the_one_that_learns(view: Batch) -> None:
    view.trained = MODEL
    assert view.facts.values["version"] == "7"
    assert view.facts.values["score"] == "0.881"
    assert view.facts.notes["name"] == "gradient boosting 0.870\nlogistic regression 0.800"
    assert view._absent.message == ""
    view.snapshot = DUEL
    rows = {row[0]: row[1:] for row in view._scores.rows}
    assert rows["Recent error"] == ("—", "0.050", "0.040")
    assert rows[view._scores.rows[0][0]] == ("0.881", "0.850", "0.800")
    assert view._metric.value == "RecentError"


def test_without_a_model_it_says_so(view: Batch) -> None:
    view.trained = NO_MODEL
    assert (view._absent.severity, view._absent.message) == (
        "info",
        "No batch model has been trained yet.",
    )
    view.trained = Failure(503, "A store does not answer", "MLflow is silent")
    assert (view._absent.severity, view._absent.title) == ("error", "A store does not answer")
    view.snapshot = EMPTY
    assert "has not tested" in view._standing.object


def test_curve_begins_when_the_batch_model_came(view: Batch) -> None:
    view.snapshot = SNAPSHOT
    assert not view._curve.drawn
    view.snapshot = DUEL
    told = view._curve._pipe.data
    assert told.champion[0] == (5_000, 0.04)
    assert told.rivals["batch"][0] == (5_000, 0.05)
    assert "the model is better, beyond chance" in view._standing.object
    view._metric.choose("FBeta")
    told = view._curve._pipe.data
    assert (told.champion[0][1], told.rivals["batch"][0][1]) == (0.8, 0.85)


def test_drifts_are_marked_on_the_curve(view: Batch) -> None:
    alarm = {"watched": "error", "before": 0.2, "after": 0.5, "events_learned": 6_100, "time": 0.0}
    history = [{**one, "time": one["events_learned"] / 100} for one in DUEL.history]
    project = {**(DUEL.project or {}), "alarms": [alarm]}
    view.snapshot = replace(DUEL, project=project, history=history)
    drift = {"kind": "sudden", "severity": "severe", "width": 2_000}
    view.changes = [{"time": 75.0, "event_number": 9, "what": "drift", "details": drift}]
    told = view._curve._pipe.data
    assert [at for at, _ in told.alarms] == [6_100]
    assert [at for at, _ in told.changes] == [8_000]


def test_tab_reads_jobs_model_and_diagnostics(view: Batch) -> None:
    answers = {
        "/projects/fraud/batch/jobs": ANSWER,
        "/projects/fraud/batch/model": MODEL,
        "/projects/fraud/batch/diagnostics": DIAGNOSTICS,
        "/projects/fraud/producer/changes": {"changes": []},
    }

    async def read() -> None:
        with HttpServer(lambda path: (200, json.dumps(answers.get(path, {})))) as server:
            view._store.client = Client(server.url)
            await view.refresh()
            await view._store.client.close()

    asyncio.run(read())
    assert view.jobs.answer == ANSWER
    assert view.trained == MODEL
    assert view.diagnosed._card.visible


def test_diagnostic_that_is_missing_can_be_made(store: Store) -> None:
    ordered: list[str] = []

    async def order(name: str) -> None:
        ordered.append(name)

    shown = Diagnosed("fraud", store, order)
    assert not shown._card.visible
    shown.answer = DIAGNOSTICS
    assert (shown._card.visible, shown._make.visible, shown._absent.visible) == (True, False, False)
    shown._which.choose("learning_curve")
    assert (shown._make.visible, shown._absent.visible) == (True, True)
    asyncio.run(shown._on_make(Event(shown._make)))
    assert ordered == ["learning_curve"]


def test_picture_that_cannot_be_drawn_says_so(store: Store) -> None:
    async def order(_name: str) -> None:
        """Nothing."""

    shown = Diagnosed("fraud", store, order)
    shown.answer = DIAGNOSTICS
    asyncio.run(shown._draw((7, "confusion")))
    assert shown._trouble.title
    assert shown._picture.html == ""

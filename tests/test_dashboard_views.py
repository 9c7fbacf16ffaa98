from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from dashboard.client import Client, Failure
from dashboard.feed import Snapshot
from dashboard.store import Store
from dashboard.views import parts
from dashboard.views.binary import BinaryReport, BinaryVerdict
from dashboard.views.form import EventForm
from dashboard.views.live import Live
from dashboard.views.plain import PlainReport, PlainVerdict
from dashboard.views.predict import Predict
from dashboard.views.project import ProjectPage, task_views
from flows.learning.tasks.binary import BinaryClassification
from flows.projects import fraud
from scripts.local.ports import free_port

PROJECT: dict[str, Any] = {
    "slug": "fraud",
    "state": "running",
    "model": {"version": "7", "events_learned": 12_000, "age_seconds": 61.0},
    "score": {"name": "FBeta", "value": 0.81},
    "counts": {"events": 12_500, "learned": 12_000, "pending": 480, "dead_letters": 3, "alarms": 2},
    "events_per_second": 250.0,
    "lag": 4,
    "alarms": [],
    "labels": {"share": 0.98},
    "problems": [],
}
HISTORY = [
    {"events_learned": count, "time": 0.0, "metrics": {"FBeta": 0.7 + count / 1e5, "F1": 0.5}}
    for count in range(0, 12_001, 1_000)
]
METRICS = {"metrics": {"FBeta": 0.81, "F1": 0.5, "LogLoss": 0.02}, "report": {}}
SNAPSHOT = Snapshot(project=PROJECT, metrics=METRICS, history=HISTORY)
NOTHING: dict[str, Any] = {"model": None, "score": None, "counts": {}, "labels": None}
EMPTY = Snapshot(project=PROJECT | NOTHING | {"state": "absent"})
ANSWER: dict[str, Any] = {
    "prediction_id": "an-id",
    "prediction": {"probability": 0.62, "decision": 1, "threshold": 0.3},
    "reasons": {"amount": 1.2},
    "model": {"version": "7", "source": "live", "events_learned": 12_000, "age_seconds": 2.0},
}


class Ranking(BinaryClassification):
    """A task that no view knows."""

    @property
    def name(self) -> str:
        return "ranking"


@pytest.fixture
def store() -> Store:
    return Store(Client(f"http://127.0.0.1:{free_port()}"))


@pytest.fixture
def live(store: Store) -> Live:
    return Live(BinaryReport(), fraud.PROJECT, store)


@pytest.fixture
def predict(store: Store) -> Predict:
    return Predict(fraud.PROJECT, store, BinaryVerdict())


def test_text_is_shown_as_it_is() -> None:
    shown = parts.text("<script>alert(1)</script>\n\n# no title")
    assert shown.object == "<div>&lt;script&gt;alert(1)&lt;/script&gt;<br><br># no title</div>"


def test_tile_shows_value_note_and_explanation() -> None:
    tiles = parts.Tiles({"a": ("Label", "What it <is>\nand means")}, {"xs": 1})
    tiles.param.update(values={"a": "<0.1"}, notes={"a": "one\ntwo"})
    assert "<div class='value'>&lt;0.1</div>" in tiles.html
    assert "<div class='note'>one<br>two</div>" in tiles.html
    assert "data-tip='What it &lt;is&gt;&#10;and means'" in tiles.html


def test_banner_is_there_only_while_it_has_something_to_say() -> None:
    banner = parts.Banner()
    assert not banner.__panel__().visible
    banner.title = "Trouble"
    assert banner.__panel__().visible
    banner.title = ""
    assert not banner.__panel__().visible


def test_outage_says_since_when() -> None:
    failure = Failure(0, "The API does not answer", "refused")
    since = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)
    shown = parts.outage(failure, since)
    assert shown["title"] == "The API does not answer"
    assert "Since 12:30:00 UTC" in shown["message"]


def test_other_failure_shows_its_detail() -> None:
    assert parts.outage(Failure(500, "Broken", "the log"), None)["message"] == "the log"
    assert parts.outage(None, None) == {"title": "", "message": ""}


def test_live_shows_metrics_and_how_they_changed(live: Live) -> None:
    live.snapshot = SNAPSHOT
    assert live.kpis.tiles.values["FBeta"] == "0.810"
    assert "missed fraud weighing more" in live.kpis.tiles.notes["FBeta"]
    assert live.secondary.values["LogLoss"] == "0.020"
    assert live.counts.values["pending"] == "480"


def test_live_offers_every_metric_there_is(live: Live) -> None:
    live.snapshot = SNAPSHOT
    assert list(live._select.options.values()) == ["FBeta", "F1", "LogLoss"]


def test_live_without_a_model_says_so(live: Live) -> None:
    live.snapshot = EMPTY
    assert live._empty.message.startswith("No model yet: fraud has learnt from 0 events.")
    live.snapshot = SNAPSHOT
    assert live._empty.message == ""


def test_metric_without_a_text_of_its_own_is_shown_by_its_name(live: Live) -> None:
    metrics = {"metrics": {**METRICS["metrics"], "Novelty": 0.1}, "report": {}}
    live.snapshot = replace(SNAPSHOT, metrics=metrics)
    assert live._select.options["Novelty"] == "Novelty"


def test_alarms_stand_where_so_many_events_were_learnt(live: Live) -> None:
    alarm = {"watched": "error", "before": 0.2, "after": 0.5, "events_learned": 5_100, "time": 0.0}
    history = [{**point, "time": float(at)} for at, point in enumerate(HISTORY)]
    alarmed = replace(SNAPSHOT, project={**PROJECT, "alarms": [alarm]}, history=history)
    live.snapshot = alarmed
    assert [at for at, _ in live._curve._pipe.data.alarms] == [5_100]
    live.window = "time"
    assert [at for at, _ in live._curve._pipe.data.alarms] == [5_000.0]
    assert "Errors rose from 0.200 to 0.500" in live.drifts.object


@pytest.mark.parametrize(
    ("t", "words"),
    [
        (None, "rule: too early to tell."),
        (-45.4, "the model is better, beyond chance (t = -45.4)"),
        (4.5, "rule is better, which may be chance"),
    ],
)
def test_contest_is_told_in_words(live: Live, t: float | None, words: str) -> None:
    standing = {"labels": 2_000, "champion_error": 0.1, "challenger_error": 0.3, "t": t}
    live.snapshot = replace(SNAPSHOT, metrics={**METRICS, "contests": {"rule": standing}})
    assert words in live.contests.object


def test_form_makes_an_event_of_its_project() -> None:
    form = EventForm(fraud.PROJECT, random.Random(1))
    event = msgspec.convert(form.event, fraud.Transaction)
    assert event.is_fraud is None
    assert form.event["location"]["lat"] == form.inputs["location.lat"].value


def test_randomise_changes_every_kind_of_field() -> None:
    form = EventForm(fraud.PROJECT, random.Random(1))
    before = form.event
    form.randomise()
    changed = [name for name, value in form.event.items() if value != before[name]]
    assert {"transaction_id", "amount", "merchant_id", "location"} <= set(changed)


def test_error_is_shown_at_its_field_until_the_next_answer() -> None:
    form = EventForm(fraud.PROJECT, random.Random(1))
    others = form.mark({"amount": "must be >= 0", "unknown": "what?"})
    assert others == {"unknown": "what?"}
    amount = form.inputs["amount"]
    assert (amount.error_state, amount.helper_text) == (True, "must be >= 0")
    form.mark({})
    assert (amount.error_state, amount.helper_text) == (False, "")


def test_unseen_choices_can_be_typed() -> None:
    form = EventForm(fraud.PROJECT, random.Random(1))
    form.inputs["currency"].value = "XYZ"
    assert form.event["currency"] == "XYZ"


def test_answer_shows_gauge_decision_and_model(predict: Predict) -> None:
    predict.answer = ANSWER
    verdict = predict._verdict
    assert isinstance(verdict, BinaryVerdict)
    assert verdict._gauge.value == pytest.approx(62)
    assert [limit for limit, _ in verdict._gauge.colors or ()] == [0.3, 1]
    assert verdict._decision.label == "positive"
    assert "12\u202f000 events" in predict._facts.object
    assert predict._shown.box.visible


def test_answer_without_reasons_shows_none(predict: Predict) -> None:
    predict.answer = ANSWER | {"reasons": None}
    assert not predict._why.visible


def test_failed_prediction_is_not_shown_as_one(predict: Predict) -> None:
    predict.answer = ANSWER
    predict.answer = Failure(422, "Invalid", "amount is negative", {"amount": "is negative"})
    assert not predict._shown.box.visible
    assert predict._problem.title == "Invalid"
    assert predict.form.inputs["amount"].error_state


def test_no_model_is_said_without_alarm(predict: Predict) -> None:
    body = {"type": "urn:realtime:problem:no-model"}
    predict.answer = Failure(503, "No model yet", "fraud has no model yet", body=body)
    assert (predict._problem.severity, predict._problem.title) == ("info", "No model yet")


def test_page_keeps_tab_and_metric_in_step(store: Store) -> None:
    page = ProjectPage(fraud.PROJECT, store, tab="predict", metric="Recall")
    page.open()
    assert page._tabs.active == 1
    assert page.live.metric == "Recall"
    page._tabs.active = 0
    page.live.metric = "F1"
    assert (page.tab, page.metric) == ("live", "F1")
    page.tab = "nonsense"
    assert page._tabs.active == 0


def test_page_says_that_the_api_is_down(store: Store) -> None:
    page = ProjectPage(fraud.PROJECT, store)
    page.open()
    asyncio.run(page.refresh())
    assert "does not answer" in page._banner.title
    page.snapshot = SNAPSHOT
    assert page._banner.title == ""


@pytest.mark.parametrize("state", ["running", "paused", "stale", "absent"])
def test_page_shows_the_state(store: Store, state: str) -> None:
    page = ProjectPage(fraud.PROJECT, store)
    page.open()
    page.snapshot = replace(SNAPSHOT, project=PROJECT | {"state": state})
    assert page._state.state == state
    assert ("silent" in page._problems.message) == (state == "stale")


def test_page_shows_the_apis_problems(store: Store) -> None:
    page = ProjectPage(fraud.PROJECT, store)
    page.open()
    page.snapshot = replace(SNAPSHOT, project=PROJECT | {"problems": ["Redis does not answer"]})
    assert page._problems.message == "Redis does not answer"


def test_fraud_has_views_of_its_own() -> None:
    report, verdict = task_views(fraud.PROJECT)
    assert isinstance(report, BinaryReport)
    assert isinstance(verdict, BinaryVerdict)


def test_a_task_without_views_is_shown_plainly() -> None:
    report, verdict = task_views(replace(fraud.PROJECT, task=Ranking()))
    assert isinstance(report, PlainReport)
    assert report.primary == ("FBeta",)
    report.report = {"classes": ["ash", "oak"]}
    assert report._tree.object == {"classes": ["ash", "oak"]}
    verdict.answer = {"decision": "oak", "runner_up": None, "next": {"value": 0.25}}
    assert isinstance(verdict, PlainVerdict)
    assert "decision: oak<br>runner up: —<br>next, value: 0.250" in verdict._fields.object

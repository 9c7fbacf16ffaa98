# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from typing import Any, get_args

import msgspec
import pytest

from dashboard.client import Client, Failure
from dashboard.store import Store
from dashboard.views import production
from dashboard.views.streams import Streams
from flows.projects import PROJECTS
from flows.stores.production import Command, Kind, Severity
from scripts.local.ports import free_port

STATUS: dict[str, Any] = {
    "state": "running",
    "rate": 50.0,
    "sent": 1_234,
    "failed": 0,
    "events_per_second": 49.8,
    "running": {},
    "scenarios": {"attack": "Many accounts, one merchant.", "holiday": "People travel."},
    "drift": None,
    "anomaly_rate": 0.0,
    "refused": "",
}
ANSWERS: dict[str, Any] = {"fraud": {"status": STATUS}, "eta": {"status": None}}
DRIFT: dict[str, Any] = {
    "time": 1_767_225_600.0,
    "event_number": 1_000,
    "what": "drift",
    "details": {"kind": "sudden", "severity": "severe", "width": 2_000},
}


@pytest.fixture
def view() -> Streams:
    store = Store(Client(f"http://127.0.0.1:{free_port()}"))
    return Streams([PROJECTS["fraud"], PROJECTS["eta"]], store)


def test_every_generator_is_in_the_table(view: Streams) -> None:
    view.answers = ANSWERS
    fraud, eta = view._all.rows
    assert fraud[1:] == ("running", "50", "50", "1\u202f234", "0", "nothing unusual")
    assert eta[1] == "silent"


def test_controls_are_those_of_a_generator_that_runs(view: Streams) -> None:
    view.answers = ANSWERS
    assert view._groups.visible
    view.project = "eta"
    assert not view._groups.visible
    assert view._silent.visible
    assert view._which.value == "eta"


def test_address_names_the_steered_stream(view: Streams) -> None:
    view._which._select.value = "eta"
    assert view.project == "eta"
    view.project = "nonsense"
    assert view._which.value == "eta"


def test_pause_becomes_resume(view: Streams) -> None:
    view.answers = ANSWERS
    assert view._buttons["state"].label == "Pause"
    assert view._wanted_state() == {"state": "paused"}
    view.answers = {"fraud": {"status": STATUS | {"state": "paused"}}}
    assert view._buttons["state"].label == "Resume"
    assert view._wanted_state() == {"state": "running"}
    assert view._state.state == "paused"


def test_scenarios_are_explained(view: Streams) -> None:
    view.answers = ANSWERS
    assert "Many accounts" in view._help.object
    view._scenario.choose("holiday")
    assert "People travel" in view._help.object


def test_every_command_is_one_that_a_producer_obeys(view: Streams) -> None:
    view.answers = ANSWERS
    wanted = [getattr(view, name)() for name in dir(view) if name.startswith("_wanted")]
    assert len(wanted) == len(view._buttons)
    commands = [msgspec.convert(each, Command) for each in wanted]
    assert Command() not in commands
    assert Command(drift="sudden", severity="severe") in commands


def test_failed_command_is_said(view: Streams) -> None:
    view._show_told(Failure(422, "Wrong", "cannot be", {"rate": "too high"}))
    assert (view._said.title, view._said.severity) == ("Wrong", "error")
    assert "rate: too high" in view._said.message
    view._show_told({"place": "1-0"})
    assert (view._said.title, view._said.severity) == ("", "success")


def test_nothing_is_read_before_the_page_is_there_and_then_an_outage_is_said(
    view: Streams,
) -> None:
    async def arrive() -> None:
        await view.refresh()
        assert view.answers == {}
        view._arrival.param.update(there=True)
        await view.refresh()

    asyncio.run(arrive())
    assert "does not answer" in view._banner.title


def test_changes_are_told_newest_first(view: Streams) -> None:
    later = DRIFT | {"event_number": 2_000}
    view.changes = {"changes": [DRIFT, later]}
    assert [row[1] for row in view._log.rows] == ["2\u202f000", "1\u202f000"]
    view.changes = Failure(503, "A store does not answer", "Redis is away")
    assert view._gaps.message == "Redis is away"


@pytest.mark.parametrize(
    ("what", "details", "said"),
    [
        ("drift", DRIFT["details"], "severe sudden drift, within 2\u202f000 events"),
        ("scenario", {"scenario": "attack", "intensity": 1.0}, "scenario attack at 100.0 %"),
        ("scenario", {"scenario": "attack", "intensity": 0}, "end of scenario attack"),
        ("anomalies", {"anomaly_rate": 0.01}, "anomalies: 1.0 % of the events"),
        ("weather", {}, "weather"),
    ],
)
def test_change_in_words(what: str, details: dict[str, Any], said: str) -> None:
    assert production.sentence({"what": what, "details": details}) == said


def test_what_holds_is_told() -> None:
    status = STATUS | {
        "running": {"attack": 0.5},
        "drift": {"kind": "gradual", "severity": "mild", "at": 70},
        "anomaly_rate": 0.02,
        "refused": "no scenario 'x'",
    }
    assert production.holding(status) == [
        "attack at 50.0 %",
        "mild gradual drift since event 70",
        "2.0 % anomalies",
        "refused: no scenario 'x'",
    ]


def test_every_drift_that_a_producer_knows_is_offered() -> None:
    assert set(production.KINDS) == set(get_args(Kind))
    assert set(production.SEVERITIES) == set(get_args(Severity))

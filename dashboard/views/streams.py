"""The Streams page: what the generators do, and what they are told."""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from dashboard import wording
from dashboard.client import Answer, Failure
from dashboard.store import Store
from dashboard.views import inputs, parts, production
from dashboard.views.arrival import Arrival
from dashboard.views.choice import Choice
from dashboard.views.table import Table
from flows.projects.spec import Project


class Streams(pn.viewable.Viewer):
    """All generators at a glance, and the controls of one; set `answers` and `changes`.

    `project` is the slug of the one that is steered.
    """

    project = param.String(default="", doc="Which generator is steered, as the address names it")
    answers = param.Dict(default={}, doc="What the API said of each generator")
    changes = param.Parameter(default=None, doc="What it said of the steered one's changes")

    title = "Streams"

    def __init__(self, projects: Sequence[Project], store: Store, **params: Any) -> None:
        super().__init__(**{"project": projects[0].slug if projects else "", **params})
        self._projects = {project.slug: project for project in projects}
        self._store = store
        self._banner = parts.Banner()
        self._said = parts.Banner(severity="success")
        self._silent = parts.quiet(_SILENT, visible=False)
        self._all = Table("Generators", production.STREAMS, (2, 3, 4, 5), "", ("streams",))
        self._log = Table("Changes", production.CHANGES, (), _NO_CHANGE, ("stream-changes",))
        self._gaps = parts.Banner()
        self._state = parts.StateChip()
        self._arrival = Arrival()
        self._make_chooser()
        self._make_inputs()
        self._make_buttons()
        self._groups = self._controls()
        self._groups.visible = False

    def _make_chooser(self) -> None:
        options = {project.title: slug for slug, project in self._projects.items()}
        self._which = Choice("Stream", 300)
        self._which.offer(options)
        self._which.choose(self.project)
        self._which.param.watch(self._choose, "value")

    def _make_inputs(self) -> None:
        self._rate = inputs.number(
            "Events per second", 100.0, (0, 1_000_000), "0 is as fast as can be."
        )
        self._burst = inputs.number(
            "Events at once", 1_000, (1, 10_000_000), "Beside the usual ones."
        )
        self._scenario = Choice("Scenario")
        self._intensity = inputs.number(
            "Intensity", 1.0, (0, 1), "From 0, not at all, to 1, in full."
        )
        self._seconds = inputs.number(
            "Seconds", 60.0, (1, 604_800), "It ends by itself after these."
        )
        self._kind = inputs.select("Kind", production.KINDS, 150)
        self._severity = inputs.select("Severity", production.SEVERITIES, 150)
        self._width = inputs.number("Within events", 2_000, (1, 10_000_000), "How long it takes.")
        self._share = inputs.number("Share of events", 0.01, (0, 1), "Events that make no sense.")
        self._help = parts.quiet("", css_classes=["scenario-help"])
        self._scenario.param.watch(self._explain, "value")

    def _make_buttons(self) -> None:
        self._buttons = {
            "rate": inputs.button("Set rate", self._tell(self._wanted_rate)),
            "state": inputs.button("Pause", self._tell(self._wanted_state)),
            "burst": inputs.button("Send burst", self._tell(self._wanted_burst)),
            "begin": inputs.button("Begin scenario", self._tell(self._wanted_scenario)),
            "end": inputs.button("End scenario", self._tell(self._wanted_end)),
            "drift": inputs.button("Begin drift", self._tell(self._wanted_drift)),
            "anomalies": inputs.button("Set anomalies", self._tell(self._wanted_anomalies)),
        }

    async def refresh(self) -> None:
        """Read what every generator does, and what changed in the steered one's stream."""
        if not self._arrival.there:
            return
        reads = [self._store.producer(slug) for slug in self._projects]
        *answers, changes = await asyncio.gather(*reads, self._store.stream_changes(self.project))
        with pn.io.hold():
            self.param.update(
                answers=dict(zip(self._projects, answers, strict=True)), changes=changes
            )

    def _choose(self, event: Any) -> None:
        self.project = event.new or self.project

    @param.depends("project", watch=True)
    def _show_other(self) -> None:
        self._which.choose(self.project)
        self._said.message = ""
        self._show()

    @param.depends("answers", watch=True)
    def _show(self) -> None:
        failed = [each for each in self.answers.values() if isinstance(each, Failure)]
        failure = failed[0] if failed else None
        self._banner.param.update(**parts.outage(failure, self._store.down_since))
        self._all.rows = [
            production.row(self._projects[slug].title, answer)
            for slug, answer in self.answers.items()
            if not isinstance(answer, Failure)
        ]
        self._show_steered(_status(self.answers.get(self.project)))

    def _show_steered(self, status: dict[str, Any] | None) -> None:
        self._state.state = status["state"] if status else "silent"
        self._silent.visible = status is None
        self._groups.visible = status is not None
        if status is None:
            return
        self._buttons["state"].label = "Pause" if status["state"] == "running" else "Resume"
        self._scenario.offer({wording.words(name): name for name in status["scenarios"]})
        self._explain(None)

    @param.depends("changes", watch=True)
    def _show_changes(self) -> None:
        self._gaps.param.update(**parts.trouble(self.changes))
        if not isinstance(self.changes, Failure):
            self._log.rows = production.changes(self.changes["changes"])

    def _explain(self, _event: Any) -> None:
        status = _status(self.answers.get(self.project)) or {"scenarios": {}}
        text = status["scenarios"].get(self._scenario.value, _NO_SCENARIO)
        parts.say(self._help, text)

    def _tell(self, wanted: Any) -> Any:
        async def tell(event: Any) -> None:
            with event.obj.param.update(loading=True):
                await inputs.settled()
                answer = await self._store.steer(self.project, wanted())
            self._show_told(answer)

        return tell

    def _show_told(self, answer: Answer) -> None:
        trouble = parts.trouble(answer)
        if isinstance(answer, Failure):
            errors = [f"{name}: {text}" for name, text in answer.errors.items()]
            trouble["message"] = "\n".join([answer.detail, *errors])
        else:
            trouble |= {"message": _TOLD, "severity": "success"}
        self._said.param.update(**trouble)

    def _wanted_rate(self) -> dict[str, Any]:
        return {"rate": self._rate.value}

    def _wanted_state(self) -> dict[str, Any]:
        status = _status(self.answers.get(self.project)) or {"state": "running"}
        return {"state": "paused" if status["state"] == "running" else "running"}

    def _wanted_burst(self) -> dict[str, Any]:
        return {"burst": self._burst.value}

    def _wanted_scenario(self) -> dict[str, Any]:
        return {
            "scenario": self._scenario.value,
            "intensity": self._intensity.value,
            "seconds": self._seconds.value,
        }

    def _wanted_end(self) -> dict[str, Any]:
        return {"scenario": self._scenario.value, "intensity": 0}

    def _wanted_drift(self) -> dict[str, Any]:
        return {
            "drift": self._kind.value,
            "severity": self._severity.value,
            "width": self._width.value,
        }

    def _wanted_anomalies(self) -> dict[str, Any]:
        return {"anomaly_rate": self._share.value}

    def _controls(self) -> pmui.Row:
        use = self._buttons
        rate = parts.line(self._rate, use["rate"], use["state"])
        pace = _group("Pace", rate, parts.line(self._burst, use["burst"]))
        held = parts.line(self._scenario, self._intensity, self._seconds)
        scenario = _group("Scenario", held, self._help, parts.line(use["begin"], use["end"]))
        drawn = parts.line(self._kind, self._severity, self._width)
        drift = _group("Drift", drawn, use["drift"])
        anomalies = _group("Anomalies", parts.line(self._share, use["anomalies"]))
        widths = {"xs": 1, "md": 2}
        return parts.columns(pace, scenario, drift, anomalies, widths=widths, gap=3)

    def __panel__(self) -> pmui.Column:
        control = parts.heading("Control", _CONTROL_NOTE)
        steered = parts.line(self._which, self._state)
        return parts.stack(
            self._banner,
            parts.heading("Streams", _NOTE, "h1"),
            parts.card(self._all),
            parts.card(control, steered, self._silent, self._said, self._groups),
            parts.card(parts.heading("What changed", _LOG_NOTE), self._gaps, self._log),
            self._arrival,
        )


_NOTE = "The generators whose events the models learn from, and what they are told."
_CONTROL_NOTE = "A generator obeys within about a second."
_LOG_NOTE = "Drifts, scenarios and anomalies of this stream, newest first."
_NO_CHANGE = "Nothing has changed in this stream yet."
_NO_SCENARIO = "This stream has no scenarios now."
_SILENT = "No generator of this stream runs now, or it does not reach Redis."
_TOLD = "Told; the generator obeys within about a second."


def _status(answer: Answer | None) -> dict[str, Any] | None:
    """What a generator says of itself; None where there is none, or nobody knows."""
    return None if answer is None or isinstance(answer, Failure) else answer["status"]


def _group(title: str, *rows: Any) -> pmui.Column:
    return parts.stack(parts.quiet(title, "subtitle2"), *rows, gap=2)

"""The Batch tab: a model that was trained at once, beside the one that learns."""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import math
from datetime import datetime
from functools import partial
from typing import Any

import panel_material_ui as pmui
import param

from dashboard import pictures, wording
from dashboard.client import Answer, Failure
from dashboard.history import thinned
from dashboard.metrics import axis, describe, shown
from dashboard.pictures import learning
from dashboard.store import Store
from dashboard.views import parts, production
from dashboard.views.batch_jobs import Jobs
from dashboard.views.choice import Choice
from dashboard.views.diagnosed import Diagnosed
from dashboard.views.live import BATCH, standing
from dashboard.views.tab import Tab
from dashboard.views.table import Table
from flows.projects.spec import Project

RECENT = "RecentError"
FACTS = {
    "version": ("Version", "In the registry, beside the versions of the model that learns."),
    "name": ("Model", "What did best on the fifth of the rows before the newest."),
    "score": ("Score", "On the newest fifth of its rows, which it was not trained on."),
    "rows": ("Rows", "Labelled events that were read, in their order."),
    "span": ("From and to", "Times of the first and of the last of them."),
    "seconds": ("Trained in", "Reading, training and testing."),
}
HEADINGS = ("Metric", "Batch, its test", "Batch, on the stream", "Online, same events")


class Batch(Tab):
    """Jobs, the model that came of them, and how it fares against the one that learns."""

    trained = param.Parameter(default=None, doc="What the API said of the batch model")
    changes = param.List(default=[], doc="What the stream's generator did, oldest first")

    def __init__(self, project: Project, store: Store, unit: str = "", **params: Any) -> None:
        super().__init__(**params)
        self._project, self._store, self._unit = project, store, unit
        self.jobs = Jobs(project.slug, store)
        self.facts = parts.Tiles(FACTS, {"xs": 2, "md": 6})
        self._absent = parts.Banner(severity="info")
        self._scores = Table("Metrics", HEADINGS, (1, 2, 3), "", ("batch-metrics",))
        self._metric = Choice("Metric", 200)
        self._metric.param.watch(lambda _: self._show_duel(), "value")
        draw = partial(learning.curves, rivals=[BATCH], own="online")
        self._curve = pictures.Picture(draw, learning.HEIGHT)
        self._curve.pane.visible = False
        self._standing = parts.quiet(_NO_DUEL, css_classes=["duel"])
        self.diagnosed = Diagnosed(project.slug, store, self.jobs.diagnose)

    async def refresh(self) -> None:
        """Look at jobs, model and stream."""
        slug = self._project.slug
        _, model, changes, _ = await asyncio.gather(
            self.jobs.refresh(),
            self._store.batch_model(slug),
            self._store.stream_changes(slug),
            self.diagnosed.refresh(),
        )
        if not isinstance(changes, Failure) and changes["changes"] != self.changes:
            self.changes = changes["changes"]
        if model != self.trained:
            self.trained = model

    @param.depends("trained", watch=True)
    def _show_model(self) -> None:
        self._absent.param.update(**_absence(self.trained))
        if not isinstance(self.trained, dict):
            return
        told = self.trained
        score = told["score"]
        self.facts.values = {
            "version": str(told["version"]),
            "name": wording.words(told["name"]),
            "score": shown(score["name"], score["value"], self._unit) if score else "",
            "rows": wording.count(told["rows"]),
            "span": _span(told),
            "seconds": wording.quantity(told["seconds"], wording.SECONDS),
        }
        self.facts.notes = {
            "score": score["name"] if score else "",
            "version": wording.day(datetime.fromisoformat(told["created"])),
            "name": "\n".join(_candidates(told, self._project.score)),
        }
        self._show_duel()

    @param.depends("snapshot", "changes", watch=True)
    def _show_duel(self) -> None:
        metrics = self.snapshot.metrics or {}
        stream = (metrics.get("challengers") or {}).get(BATCH) or {}
        told = self.trained if isinstance(self.trained, dict) else {"metrics": {}}
        self._scores.rows = self._rows(told["metrics"], stream, self._online if stream else {})
        names = [name for name in (RECENT, self._project.score, *stream) if name in stream]
        self._metric.offer({_label(name): name for name in dict.fromkeys(names)})
        contest = (metrics.get("contests") or {}).get(BATCH)
        parts.say(self._standing, standing(BATCH, contest) if contest else _NO_DUEL)
        self._draw(self._metric.value or RECENT)

    @property
    def _online(self) -> dict[str, float]:
        """The newest metrics of what learns, on those events on which the other was tested."""
        points = reversed(self.snapshot.history)
        return next((one["online"] for one in points if one.get("online")), {})

    def _rows(self, *columns: dict[str, float]) -> list[tuple[str, ...]]:
        first = [name for name in (self._project.score,) if any(name in one for one in columns)]
        names = dict.fromkeys([*first, *(name for one in columns for name in one)])
        return [
            (
                _label(name),
                *(
                    shown(name, one[name], self._unit) if name in one else wording.NOTHING
                    for one in columns
                ),
            )
            for name in names
        ]

    def _draw(self, metric: str) -> None:
        label, size = (_label(RECENT), 1.0) if metric == RECENT else axis(metric, self._unit)
        history = [one for one in self.snapshot.history if one.get("online")]
        points = thinned(history)
        if not points and not self._curve.drawn:
            return
        self._curve.pane.visible = True
        alarms = (self.snapshot.project or {}).get("alarms") or []
        self._curve.send(
            learning.Learning(
                label=label,
                champion=_line(points, lambda one: one["online"].get(metric), size),
                rivals={
                    BATCH: _line(points, lambda one: one["challengers"][BATCH].get(metric), size)
                },
                alarms=[(alarm["events_learned"], alarm) for alarm in alarms if points],
                changes=[(_when(one, points), production.sentence(one)) for one in self.changes],
            )
        )

    def __panel__(self) -> pmui.Column:
        title = parts.titled("Online against batch", _DUEL_NOTE, self._metric)
        return parts.stack(
            self.jobs,
            parts.heading("The batch model", _MODEL_NOTE),
            self._absent,
            self.facts,
            parts.card(title, self._curve.pane, self._standing),
            parts.card(parts.heading("Metrics", _METRICS_NOTE), self._scores),
            self.diagnosed,
            margin=(16, 0, 0, 0),
        )


_MODEL_NOTE = "Ask it like any other: predict?model=batch."
_DUEL_NOTE = (
    "Both on the same events, which the flow scores before it learns them; marks say what changed."
)
_METRICS_NOTE = (
    "On its test, on the stream since the flow has it, and what led on just those events."
)
_NO_DUEL = "The flow has not tested a batch model yet; it begins within seconds of its training."
_NO_MODEL = "No batch model has been trained yet."


def _label(name: str) -> str:
    return "Recent error" if name == RECENT else describe(name).label


def _absence(answer: Answer | None) -> dict[str, str]:
    """What is said in place of a model."""
    if isinstance(answer, Failure) and answer.is_no_model:
        return {"title": "", "message": _NO_MODEL, "severity": "info"}
    return parts.trouble(answer)


def _candidates(told: dict[str, Any], score: str) -> list[str]:
    """How each candidate did."""
    return [
        f"{wording.words(name)} {wording.score(metrics[score])}"
        for name, metrics in told["candidates"].items()
        if score in metrics
    ]


def _span(told: dict[str, Any]) -> str:
    ends = [told[name] and datetime.fromisoformat(told[name]) for name in ("first", "last")]
    return " to ".join(f"{one:%d %b %H:%M}" for one in ends if one)


def _line(points: list[dict[str, Any]], value: Any, size: float) -> learning.Points:
    found = ((float(one["events_learned"]), value(one)) for one in points)
    return [(at, value / size) for at, value in found if value is not None]


def _when(change: dict[str, Any], points: list[dict[str, Any]]) -> float:
    """At how many events a change of the stream was made; out of sight before the first point."""
    later = (one for one in points if one["time"] >= change["time"])
    first = next(later, None)
    if first is None or change["time"] < points[0]["time"]:
        return math.inf
    return float(first["events_learned"])

"""The Live tab: how well a project's model does, as it learns."""
# mypy: allow-untyped-calls

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import panel_material_ui as pmui
import param

from dashboard import pictures, wording
from dashboard.client import Failure
from dashboard.feed import Snapshot
from dashboard.history import thinned, within
from dashboard.metrics import axis, describe, shown
from dashboard.pictures import learning
from dashboard.store import Store
from dashboard.views import parts, production
from dashboard.views.kpis import Kpis, named
from dashboard.views.tab import Tab
from dashboard.views.tasks import TaskView
from dashboard.views.training import Training
from flows.projects.spec import Project

COUNTS = {
    "events": ("Events seen", "Everything the flow has read and understood."),
    "learned": ("Learned from", "Events whose label came and was learned."),
    "pending": ("Waiting for a label", "Predicted, and their label may still come."),
    "expired": ("Never labelled", "Their label did not come within the horizon."),
    "orphan": ("Orphan labels", "Labels of events that nobody saw."),
    "duplicate": ("Duplicate labels", "Labels that had come before; ignored."),
    "dead_letters": ("Dead letters", "Messages that are no events; kept, with the reason."),
}
BATCH = "batch"
"""What was trained at once, where it is beside the challengers."""

WINDOWS = {
    "all events": "",
    **{f"last {wording.count(size)} events": str(size) for size in (1_000, 10_000, 100_000)},
    "all of the time": "time",
    "last 10 minutes": "600s",
    "last hour": "3600s",
}
"""What the curve may show: so many events, or so many seconds up to now."""


class Live(Tab):
    """Tiles, curves, the task's own panels and counts; set `snapshot` to show a newer one."""

    metric = param.String(default="", doc="Which metric the curve shows")
    window = param.String(default="", doc="How much of the past it shows, as in WINDOWS")
    changes = param.List(default=[], doc="What the stream's generator did, oldest first")

    def __init__(self, task: TaskView, project: Project, store: Store, **params: Any) -> None:
        super().__init__(**{"metric": project.score, **params})
        self._project, self._store = project, store
        self._task, self._known = task, (*task.primary, *task.secondary)
        self._rivals = [*project.challengers, BATCH]
        self.kpis = Kpis(task.primary, project.task.maximize, task.unit)
        self.training = Training(project.slug, store)
        self.secondary = parts.Tiles(named(task.secondary, project.task.maximize), _SMALL)
        self.counts = parts.Tiles(COUNTS, _SMALL)
        self._empty = parts.Banner(severity="info")
        draw = partial(learning.curves, rivals=self._rivals)
        self._curve = pictures.Picture(draw, learning.HEIGHT)
        self.drifts = parts.quiet(css_classes=["drifts"])
        self.contests = parts.quiet(css_classes=["contests"])
        self._drawn: tuple[Any, ...] = ()
        self._select = _select(self.param.metric, "Metric", 180)
        self._span = _select(self.param.window, "Window", 190, WINDOWS)
        self._set_options([project.score])
        self._show()

    async def refresh(self) -> None:
        """Read how the stream was changed, and the rows that the task draws, if it does."""
        changes = await self._store.stream_changes(self._project.slug)
        if not isinstance(changes, Failure) and changes["changes"] != self.changes:
            self.changes = changes["changes"]
        if query := self._task.query(self._project):
            answer = await self._store.rows(query)
            if not isinstance(answer, Failure) and answer["rows"] != self._task.rows:
                self._task.rows = answer["rows"]

    @param.depends("snapshot", "metric", "window", "changes", watch=True)
    def _show(self) -> None:
        project = self.snapshot.project or {}
        counts = project.get("counts") or {}
        self.counts.values = {name: wording.count(value) for name, value in counts.items()}
        self.training.follow(project.get("wanted"))
        self._empty.message = _why_empty(self.snapshot)
        newest = (self.snapshot.metrics, self.snapshot.history, self.snapshot.versions)
        drawn = (*newest, self.changes, self.metric, self.window, project.get("alarms"))
        if len(self._drawn) == len(drawn) and all(map(_same, drawn, self._drawn)):
            return
        self._drawn = drawn
        self._show_model(self.snapshot.metrics or {}, project.get("alarms") or [])

    def _show_model(self, metrics: dict[str, Any], alarms: list[learning.Alarm]) -> None:
        values = metrics.get("metrics") or {}
        self._set_options(list(values or [self.metric]))
        self.kpis.snapshot = self.snapshot
        self.secondary.values = {
            name: shown(name, value, self._task.unit) for name, value in values.items()
        }
        self._show_curve(alarms)
        parts.say(self.drifts, "\n".join(map(_line, reversed(alarms[-ALARMS_TOLD:]))) or _NO_ALARM)
        contests = metrics.get("contests") or {}
        parts.say(self.contests, "\n".join(standing(*each) for each in contests.items()))
        self._task.param.update(
            report=metrics.get("report") or {}, rivals=metrics.get("challengers") or {}
        )

    def _set_options(self, names: Sequence[str]) -> None:
        known = [name for name in self._known if name in names]
        others = [name for name in names if name not in known]
        options = {describe(name).label: name for name in (*known, *others)}
        if self.metric not in options.values():
            options[describe(self.metric).label] = self.metric
        if options != self._select.options:
            self._select.options = options

    def _show_curve(self, alarms: list[learning.Alarm]) -> None:
        label, size = axis(self.metric, self._task.unit)
        points = thinned(within(self.snapshot.history, self.window))
        timely = self.window.endswith(("s", "time"))
        told = learning.Learning(
            label=label,
            over=learning.TIME if timely else learning.X,
            champion=_points(points, lambda one: one["metrics"].get(self.metric), size, timely),
            rivals={name: _points(points, self._of(name), size, timely) for name in self._rivals},
            alarms=[(_place(alarm, points, timely), alarm) for alarm in alarms if points],
            changes=[
                (_when(change, points, timely), production.sentence(change))
                for change in self.changes
                if points
            ],
        )
        if points or self._curve.drawn:
            self._curve.send(told)

    def _of(self, rival: str) -> Callable[[dict[str, Any]], float | None]:
        """Tell a challenger's value at a point."""
        return lambda point: point.get("challengers", {}).get(rival, {}).get(self.metric)

    def __panel__(self) -> pmui.Column:
        rivals = f"{_RIVALS_NOTE} " if self._rivals else ""
        note = f"{_CURVE_NOTE} {rivals}{_MARKS_NOTE}"
        title = parts.titled("Learning curve", note, self._select, self._span)
        steer = parts.line(self.kpis.against, self.training, sx={"justifyContent": "space-between"})
        drift = parts.card(parts.heading("Drift", _DRIFT_NOTE), self.drifts)
        contests = parts.card(parts.heading("Contest", _CONTEST_NOTE), self.contests)
        return parts.stack(
            self._empty,
            self.training.problem,
            steer,
            self.kpis,
            parts.card(title, self._curve.pane),
            parts.columns(drift, contests, widths={"xs": 1, "md": 2}) if self._rivals else drift,
            *self._task.wide(),
            parts.columns(*self._task.panels(), widths={"xs": 1, "md": 2}),
            parts.heading("More metrics"),
            self.secondary,
            parts.heading("Events and labels"),
            self.counts,
            margin=(16, 0, 0, 0),
        )


ALARMS_TOLD = 6
SURE = 5.577
"""Student's t beyond which a contest is decided: once in a million by chance."""

_SMALL = {"xs": 2, "sm": 3, "md": 5}
_CURVE_NOTE = "Each point scores predictions made before their label was known."
_RIVALS_NOTE = "Dashed: a challenger on the same events."
_MARKS_NOTE = "Point at a mark to read what changed: what a detector noticed, or a generator did."
_DRIFT_NOTE = "The newest changes of errors and of inputs that the detectors rang for."
_NO_ALARM = "None so far: errors and inputs are as they were."
_CONTEST_NOTE = "Mean errors of the champion and its challengers on the same, newest labels."


def _select(parameter: Any, label: str, width: int, options: Any = None) -> pmui.Select:
    given = {} if options is None else {"options": options}
    return pmui.Select.from_param(
        parameter, label=label, description="", size="small", margin=0, width=width, **given
    )


def _same(one: Any, other: Any) -> bool:
    """Whether two parts of a snapshot are the same answer; alarms are read each second."""
    return one is other or (isinstance(one, str | list) and len(one) < 100 and one == other)


def _points(
    points: list[dict[str, Any]],
    value: Callable[[dict[str, Any]], float | None],
    size: float,
    timely: bool,
) -> learning.Points:
    found = ((_along(point, timely), value(point)) for point in points)
    return [(at, one / size) for at, one in found if one is not None]


def _along(point: dict[str, Any], timely: bool) -> float:
    return float(1_000 * point["time"] if timely else point["events_learned"])


def _place(alarm: learning.Alarm, points: list[dict[str, Any]], timely: bool) -> float:
    """Where an alarm stands: at its number of events, or when so many were learnt."""
    learned: float = alarm["events_learned"]
    if not timely or learned < points[0]["events_learned"]:
        return learned
    return _along(min(points, key=lambda one: abs(one["events_learned"] - learned)), timely)


def _when(change: dict[str, Any], points: list[dict[str, Any]], timely: bool) -> float:
    """Where a change of the stream stands: when it was made, or at how many events that was."""
    made: float = change["time"]
    if timely:
        return 1_000 * made
    if not points[0]["time"] <= made <= points[-1]["time"]:
        return math.inf
    return _along(next(one for one in points if one["time"] >= made), timely)


def _line(alarm: dict[str, Any]) -> str:
    told = learning.sentence(alarm)
    return f"{told[:1].upper()}{told[1:]}"


def standing(rival: str, told: dict[str, Any]) -> str:
    """How a contest stands, in words."""
    if told["t"] is None:
        return f"{rival}: too early to tell."
    errors = " against ".join(
        wording.score(told[f"{side}_error"]) for side in ("champion", "challenger")
    )
    better = "the model is better" if told["t"] < 0 else f"{rival} is better"
    sure = "beyond chance" if abs(told["t"]) > SURE else "which may be chance"
    labels = wording.count(told["labels"])
    return f"{rival}: {errors} over {labels} labels; {better}, {sure} (t = {told['t']:.1f})."


def _why_empty(snapshot: Snapshot) -> str:
    if snapshot.project is None or snapshot.metrics is not None:
        return ""
    slug, counts = snapshot.project["slug"], snapshot.project["counts"]
    return (
        f"No model yet: {slug} has learnt from {wording.count(counts.get('learned', 0))} events."
        " Metrics appear with the first published model."
    )

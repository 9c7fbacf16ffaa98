"""The Live tab: how well a project's model does, as it learns."""
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import panel_material_ui as pmui
import param

from dashboard import pictures, wording
from dashboard.feed import Snapshot
from dashboard.metrics import axis, changed, describe, explain, shown
from dashboard.pictures import learning
from dashboard.views import parts
from dashboard.views.tab import Tab
from dashboard.views.tasks import TaskView
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


class Live(Tab):
    """Tiles, curves, the task's own panels and counts; set `snapshot` to show a newer one."""

    metric = param.String(default="", doc="Which metric the curve shows")
    window = param.String(default="", doc="How many of the newest events it shows; all for none")

    def __init__(self, task: TaskView, project: Project, **params: Any) -> None:
        super().__init__(**{"metric": project.score, **params})
        self._task, self._maximize = task, project.task.maximize
        self._rivals = list(project.challengers)
        self._known = (*task.primary, *task.secondary)
        self.primary = parts.Tiles(self._names(task.primary), _ROW, large=True)
        self.secondary = parts.Tiles(self._names(task.secondary), _SMALL)
        self.counts = parts.Tiles(COUNTS, _SMALL)
        self._empty = parts.Banner(severity="info")
        draw = partial(learning.curves, rivals=self._rivals)
        self._curve = pictures.Picture(draw, learning.HEIGHT)
        self.drifts = parts.quiet(css_classes=["drifts"])
        self._drawn: tuple[Any, ...] = ()
        self._select = pmui.Select.from_param(
            self.param.metric, label="Metric", description="", size="small", margin=0, width=220
        )
        self._span = pmui.Select.from_param(
            self.param.window, label="Window", description="", size="small", margin=0, width=160,
            options=WINDOWS,
        )  # fmt: skip
        self._set_options([project.score])
        self._show()

    @param.depends("snapshot", "metric", "window", watch=True)
    def _show(self) -> None:
        self._show_counts()
        self._empty.message = _why_empty(self.snapshot)
        metrics, alarms = self.snapshot.metrics or {}, self._alarms
        drawn = (self.snapshot.metrics, self.snapshot.history, self.metric, self.window, alarms)
        if len(self._drawn) == len(drawn) and all(map(_same, drawn, self._drawn)):
            return
        self._drawn = drawn
        self._set_options(list(metrics.get("metrics") or [self.metric]))
        self._show_tiles(metrics)
        self._show_curve()
        parts.say(self.drifts, "\n".join(map(_line, reversed(alarms[-ALARMS_TOLD:]))) or _NO_ALARM)
        self._task.param.update(
            report=metrics.get("report") or {}, rivals=metrics.get("challengers") or {}
        )

    @property
    def _alarms(self) -> list[dict[str, Any]]:
        return (self.snapshot.project or {}).get("alarms") or []

    def _names(self, metrics: Sequence[str]) -> dict[str, tuple[str, str]]:
        return {name: (describe(name).label, explain(name, self._maximize)) for name in metrics}

    def _set_options(self, names: Sequence[str]) -> None:
        known = [name for name in self._known if name in names]
        others = [name for name in names if name not in known]
        options = {describe(name).label: name for name in (*known, *others)}
        if self.metric not in options.values():
            options[describe(self.metric).label] = self.metric
        if options != self._select.options:
            self._select.options = options

    def _show_tiles(self, metrics: dict[str, Any]) -> None:
        values, unit = metrics.get("metrics") or {}, self._task.unit
        texts = {name: shown(name, value, unit) for name, value in values.items()}
        notes = {name: self._note(name, metrics) for name in self._task.primary}
        self.primary.param.update(values=texts, notes=notes)
        self.secondary.values = texts

    def _note(self, name: str, metrics: dict[str, Any]) -> str:
        """What the metric means, how it changed of late, and what challengers reach."""
        lines, unit = [describe(name).sentence], self._task.unit
        newest = self.snapshot.history[-len(self.snapshot.history) // 5 - 1 :]
        recent = [point for point in newest if name in point["metrics"]]
        if len(recent) > 1:
            first, last = recent[0], recent[-1]
            before, after = first["metrics"][name], last["metrics"][name]
            change = changed(name, before, after, self._maximize, unit)
            events = wording.count(last["events_learned"] - first["events_learned"])
            lines.append(f"{change} over the last {events} events")
        for rival, values in (metrics.get("challengers") or {}).items():
            if name in values:
                lines.append(f"{rival}: {shown(name, values[name], unit)}")
        return "\n".join(lines)

    def _show_curve(self) -> None:
        label, size = axis(self.metric, self._task.unit)
        history = _newest(self.snapshot.history, self.window)
        told = learning.Learning(
            label=label,
            champion=_points(history, lambda point: point["metrics"].get(self.metric), size),
            rivals={name: _points(history, self._of(name), size) for name in self._rivals},
            alarms=self._alarms,
        )
        self._curve.send(told)

    def _of(self, rival: str) -> Callable[[dict[str, Any]], float | None]:
        """Tell a challenger's value at a point."""
        return lambda point: point.get("challengers", {}).get(rival, {}).get(self.metric)

    def _show_counts(self) -> None:
        counts = (self.snapshot.project or {}).get("counts") or {}
        self.counts.values = {name: wording.count(value) for name, value in counts.items()}

    def __panel__(self) -> pmui.Column:
        note = f"{_CURVE_NOTE} {_RIVALS_NOTE}" if self._rivals else _CURVE_NOTE
        title = parts.titled("Learning curve", note, self._select, self._span)
        return parts.stack(
            self._empty,
            self.primary,
            parts.card(title, self._curve.pane),
            *self._task.wide(),
            parts.columns(*self._task.panels(), widths={"xs": 1, "md": 2}),
            parts.card(parts.heading("Drift", _DRIFT_NOTE), self.drifts),
            parts.heading("More metrics"),
            self.secondary,
            parts.heading("Events and labels"),
            self.counts,
            margin=(16, 0, 0, 0),
        )


WINDOWS = {"all": "", **{f"last {wording.count(n)}": str(n) for n in (1_000, 10_000, 100_000)}}
"""Events that the curve may show."""

ALARMS_TOLD = 6
_ROW = {"xs": 2, "md": 5}
_SMALL = {"xs": 2, "sm": 3, "md": 5}
_CURVE_NOTE = "Each point scores predictions made before their label was known."
_RIVALS_NOTE = "Dashed: a challenger on the same events. Red marks: the stream changed."
_DRIFT_NOTE = "The newest changes of errors and of inputs that the detectors rang for."
_NO_ALARM = "None so far: errors and inputs are as they were."


def _same(one: Any, other: Any) -> bool:
    """Whether two parts of a snapshot are the same answer; alarms are read each second."""
    return one is other or (isinstance(one, str | list) and one == other)


def _newest(history: list[dict[str, Any]], window: str) -> list[dict[str, Any]]:
    """The points of so many of the newest events."""
    if not history or not window.isdecimal():
        return history
    first = history[-1]["events_learned"] - int(window)
    return [point for point in history if point["events_learned"] >= first]


def _points(
    history: list[dict[str, Any]], value: Callable[[dict[str, Any]], float | None], size: float
) -> list[tuple[float, float]]:
    found = ((point["events_learned"], value(point)) for point in history)
    return [(count, one / size) for count, one in found if one is not None]


def _line(alarm: dict[str, Any]) -> str:
    told = learning.sentence(alarm)
    return f"{told[:1].upper()}{told[1:]}"


def _why_empty(snapshot: Snapshot) -> str:
    if snapshot.project is None or snapshot.metrics is not None:
        return ""
    slug, counts = snapshot.project["slug"], snapshot.project["counts"]
    return (
        f"No model yet: {slug} has learnt from {wording.count(counts.get('learned', 0))} events."
        " Metrics appear with the first published model."
    )

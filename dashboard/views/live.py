"""The Live tab: how well a project's model does, as it learns."""
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from dashboard import pictures, wording
from dashboard.feed import Snapshot
from dashboard.metrics import describe
from dashboard.views import parts
from dashboard.views.tasks import TaskView

COUNTS = {
    "events": ("Events seen", "Everything the flow has read and understood."),
    "learned": ("Learned from", "Events whose label came and was learned."),
    "pending": ("Waiting for a label", "Predicted, and their label may still come."),
    "expired": ("Never labelled", "Their label did not come within the horizon."),
    "orphan": ("Orphan labels", "Labels of events that nobody saw."),
    "duplicate": ("Duplicate labels", "Labels that had come before; ignored."),
    "dead_letters": ("Dead letters", "Messages that are no events; kept, with the reason."),
}


class Live(pn.viewable.Viewer):
    """Tiles, curves, the task's own panels and counts; set `snapshot` to show a newer one."""

    snapshot = param.ClassSelector(class_=Snapshot, default=Snapshot())
    metric = param.String(default="", doc="Which metric the curve shows")

    def __init__(self, task: TaskView, score: str, **params: Any) -> None:
        super().__init__(**{"metric": score, **params})
        self._task = task
        self._known = (*task.primary, *task.secondary)
        self.primary = parts.Tiles(_names(task.primary), _ROW, large=True)
        self.secondary = parts.Tiles(_names(task.secondary), _SMALL)
        self.counts = parts.Tiles(COUNTS, _SMALL)
        self._empty = parts.Banner(severity="info")
        self._curve = pictures.Picture(lambda data: pictures.curve(*(data or (None,))))
        self._select = pmui.Select.from_param(
            self.param.metric, label="Metric", description="", size="small", margin=0, width=220
        )
        self._set_options([score])
        self._show()

    @param.depends("snapshot", "metric", watch=True)
    def _show(self) -> None:
        metrics = self.snapshot.metrics or {}
        self._set_options(list(metrics.get("metrics") or [self.metric]))
        self._show_tiles(metrics.get("metrics") or {})
        self._show_curve()
        self._show_counts()
        self._task.report = metrics.get("report") or {}
        self._empty.message = _why_empty(self.snapshot)

    def _set_options(self, names: Sequence[str]) -> None:
        known = [name for name in self._known if name in names]
        others = [name for name in names if name not in known]
        options = {describe(name).label: name for name in (*known, *others)}
        if self.metric not in options.values():
            options[describe(self.metric).label] = self.metric
        if options != self._select.options:
            self._select.options = options

    def _show_tiles(self, values: dict[str, float]) -> None:
        texts = {name: wording.score(value) for name, value in values.items()}
        notes = {name: _note(name, self.snapshot.history) for name in self._task.primary}
        self.primary.param.update(values=texts, notes=notes)
        self.secondary.values = texts

    def _show_curve(self) -> None:
        points = [
            (point["events_learned"], point["metrics"][self.metric])
            for point in self.snapshot.history
            if self.metric in point["metrics"]
        ]
        self._curve.send((points, describe(self.metric).label))

    def _show_counts(self) -> None:
        counts = (self.snapshot.project or {}).get("counts") or {}
        self.counts.values = {name: wording.count(value) for name, value in counts.items()}

    def __panel__(self) -> pmui.Column:
        title = parts.line(
            parts.heading("Learning curve", _CURVE_NOTE),
            self._select,
            sx={"flexWrap": {"xs": "wrap", "sm": "nowrap"}},
        )
        return parts.stack(
            self._empty,
            self.primary,
            parts.card(title, self._curve.pane),
            parts.columns(*self._task.panels(), widths={"xs": 1, "md": 2}),
            parts.heading("More metrics"),
            self.secondary,
            parts.heading("Events and labels"),
            self.counts,
            margin=(16, 0, 0, 0),
        )


_ROW = {"xs": 2, "md": 5}
_SMALL = {"xs": 2, "sm": 3, "md": 5}
_CURVE_NOTE = "Each point scores predictions made before their label was known."


def _names(metrics: Sequence[str]) -> dict[str, tuple[str, str]]:
    return {name: (describe(name).label, describe(name).explanation) for name in metrics}


def _note(name: str, history: list[dict[str, Any]]) -> str:
    """What the metric means, and how it changed over the newest fifth of the curve."""
    recent = [point for point in history[-len(history) // 5 - 1 :] if name in point["metrics"]]
    if len(recent) < 2:
        return describe(name).sentence
    first, last = recent[0], recent[-1]
    change = wording.change(last["metrics"][name] - first["metrics"][name])
    events = wording.count(last["events_learned"] - first["events_learned"])
    return f"{describe(name).sentence}\n{change} over the last {events} events"


def _why_empty(snapshot: Snapshot) -> str:
    if snapshot.project is None or snapshot.metrics is not None:
        return ""
    slug, counts = snapshot.project["slug"], snapshot.project["counts"]
    return (
        f"No model yet: {slug} has learnt from {wording.count(counts.get('learned', 0))} events."
        " Metrics appear with the first published model."
    )

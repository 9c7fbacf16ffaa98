"""The Live tab: how well a project's model does, as it learns."""
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from dashboard import pictures, wording
from dashboard.feed import Snapshot
from dashboard.metrics import changed, describe, explain, shown
from dashboard.pictures import learning
from dashboard.views import parts
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


class Live(pn.viewable.Viewer):
    """Tiles, curves, the task's own panels and counts; set `snapshot` to show a newer one."""

    snapshot = param.ClassSelector(class_=Snapshot, default=Snapshot())
    metric = param.String(default="", doc="Which metric the curve shows")

    def __init__(self, task: TaskView, project: Project, **params: Any) -> None:
        super().__init__(**{"metric": project.score, **params})
        self._task, self._maximize = task, project.task.maximize
        self._rivals = list(project.challengers)
        self._known = (*task.primary, *task.secondary)
        self.primary = parts.Tiles(self._names(task.primary), _ROW, large=True)
        self.secondary = parts.Tiles(self._names(task.secondary), _SMALL)
        self.counts = parts.Tiles(COUNTS, _SMALL)
        self._empty = parts.Banner(severity="info")
        self._curve = pictures.Picture(lambda data: learning.curves(data, self._rivals))
        self.drifts = parts.quiet(css_classes=["drifts"])
        self._drawn: tuple[Any, ...] = ()
        self._select = pmui.Select.from_param(
            self.param.metric, label="Metric", description="", size="small", margin=0, width=220
        )
        self._set_options([project.score])
        self._show()

    @param.depends("snapshot", "metric", watch=True)
    def _show(self) -> None:
        self._show_counts()
        self._empty.message = _why_empty(self.snapshot)
        metrics, alarms = self.snapshot.metrics or {}, self._alarms
        drawn = (self.snapshot.metrics, self.snapshot.history, self.metric, alarms)
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

    def _same(one: Any, other: Any) -> bool:
    """Whether two parts of a snapshot are the same answer; alarms are read each second."""
    return one is other or (isinstance(one, str | list) and one == other)


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

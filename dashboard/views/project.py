"""One project's page, made from its description."""
# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from dashboard import wording
from dashboard.feed import Feed, Snapshot
from dashboard.store import Store
from dashboard.views import parts
from dashboard.views.binary import BinaryReport, BinaryVerdict
from dashboard.views.clustering import ClusteringReport, ClusterVerdict
from dashboard.views.forecasting import ForecastingReport, ForecastingVerdict
from dashboard.views.live import Live
from dashboard.views.multiclass import MulticlassReport, MulticlassVerdict
from dashboard.views.plain import PlainReport, PlainVerdict
from dashboard.views.predict import Predict
from dashboard.views.regression import RegressionReport, RegressionVerdict
from dashboard.views.tasks import TaskView, Verdict
from flows.projects.forms import form_fields
from flows.projects.spec import Project

TASKS: dict[str, tuple[type[TaskView], type[Verdict]]] = {
    "binary": (BinaryReport, BinaryVerdict),
    "multiclass": (MulticlassReport, MulticlassVerdict),
    "regression": (RegressionReport, RegressionVerdict),
    "clustering": (ClusteringReport, ClusterVerdict),
    "forecasting": (ForecastingReport, ForecastingVerdict),
}
"""How kinds of learning are shown; others are shown plainly."""


class ProjectPage(pn.viewable.Viewer):
    """Header, facts and tabs of a project; set `snapshot` to show a newer one."""

    snapshot = param.ClassSelector(class_=Snapshot, default=Snapshot())
    tab = param.String(default="live", doc="The open tab, as the address names it")
    metric = param.String(default="", doc="The curve's metric, as the address names it")

    def __init__(self, project: Project, store: Store, **params: Any) -> None:
        super().__init__(**{"metric": project.score, **params})
        report, verdict = task_views(project)
        self._project = project
        self._feed = Feed(store, project.slug)
        self._banner = parts.Banner()
        self._problems = parts.Banner(severity="warning")
        self._state = parts.StateChip()
        self.facts = parts.Tiles(FACTS, {"xs": 2, "md": 5})
        self.live = Live(report, project, metric=self.metric)
        self.predict = Predict(project, store, verdict)
        self._views = {"live": self.live, "predict": self.predict}
        self._bodies = {name: parts.stack(view) for name, view in self._views.items()}
        self._tabs = pmui.Tabs(
            *((name.capitalize(), parts.stack()) for name in self._views),
            active=self._index,
            margin=0,
            sizing_mode="stretch_width",
        )
        self._show_body()
        self._tabs.param.watch(self._open, "active")
        self.live.param.watch(self._choose, "metric")

    @property
    def title(self) -> str:
        """What the browser calls the page."""
        return self._project.title

    async def refresh(self) -> None:
        """Read what is new and show it."""
        snapshot = await self._feed.read()
        with pn.io.hold():
            self.snapshot = snapshot
            self._show_facts()

    @property
    def _index(self) -> int:
        return list(self._views).index(self.tab) if self.tab in self._views else 0

    def _open(self, event: Any) -> None:
        self.tab = list(self._views)[event.new]

    def _show_body(self) -> None:
        """Hide the other tabs' views, never take them off the page: Bokeh fails in the browser
        when a page changes its size while a figure has not been laid out."""
        for index, body in enumerate(self._bodies.values()):
            body.visible = index == self._index

    def _choose(self, event: Any) -> None:
        self.metric = event.new

    @param.depends("tab", watch=True)
    def _show_tab(self) -> None:
        self._tabs.active = self._index
        self._show_body()

    @param.depends("metric", watch=True)
    def _show_metric(self) -> None:
        self.live.metric = self.metric

    @param.depends("snapshot", watch=True)
    def _show(self) -> None:
        project = self.snapshot.project
        self._banner.param.update(**parts.outage(self.snapshot.failure, self.snapshot.down_since))
        if project:
            self._state.state = project["state"]
            self._problems.message = "\n".join([*project["problems"], *_warning(self.snapshot)])
            self.live.snapshot = self.snapshot
            self.predict.follow(self.snapshot.metrics or {})

    def _show_facts(self) -> None:
        project, model = self.snapshot.project or {}, self.snapshot.model or {}
        self.facts.values = {
            "version": str(model.get("version", wording.NOTHING)),
            "age": wording.age(self.snapshot.age_seconds),
            "learned": wording.count(model.get("events_learned")),
            "speed": wording.rate(project.get("events_per_second")),
            "lag": wording.count(project.get("lag")),
        }

    def __panel__(self) -> pmui.Column:
        title = parts.heading(self._project.title, self._project.summary, "h4")
        head = parts.line(title, self._state, sx={"flexWrap": "nowrap"})
        return parts.stack(
            self._banner, self._problems, head, self.facts, self._tabs, *self._bodies.values()
        )


FACTS = {
    "version": ("Model version", "Version of the live model, which answers predictions."),
    "age": ("Model age", "Time since the live model was published."),
    "learned": ("Learned from", "Labelled events that the live model has learned."),
    "speed": ("Events per second", "What the flow reads now."),
    "lag": ("Lag", "Messages on Kafka that the flow has not read yet."),
}


def task_views(project: Project) -> tuple[TaskView, Verdict]:
    """Make what shows a project's task."""
    if project.task.name not in TASKS:
        return PlainReport(project.score), PlainVerdict()
    report, verdict = TASKS[project.task.name]
    unit = _unit(project)
    return report(unit=unit), verdict(unit=unit)


def _unit(project: Project) -> str:
    """What the label is counted in, as its field says."""
    fields = form_fields(project.event)
    return next((field.unit for field in fields if field.path == project.label), "")


def _warning(snapshot: Snapshot) -> list[str]:
    if snapshot.project and snapshot.project["state"] == "stale":
        heard = wording.age(snapshot.age_seconds)
        return [f"The flow is silent; its newest model was published {heard} ago."]
    return []

"""One project's page, made from its description."""
# mypy: allow-untyped-calls

from __future__ import annotations

from functools import cached_property, partial
from typing import Any, TypeVar

import panel as pn
import panel_material_ui as pmui
import param

from dashboard import sessions, wording
from dashboard.feed import Feed, Snapshot
from dashboard.metrics import unit_of
from dashboard.store import Store
from dashboard.views import parts
from dashboard.views.ahead import SPARE
from dashboard.views.analytics import Analytics
from dashboard.views.batch import Batch
from dashboard.views.binary import BinaryReport, BinaryVerdict
from dashboard.views.body import Body
from dashboard.views.clustering import ClusteringReport, ClusterVerdict
from dashboard.views.forecasting import ForecastingReport, ForecastingVerdict
from dashboard.views.live import Live
from dashboard.views.models import Models
from dashboard.views.multiclass import MulticlassReport, MulticlassVerdict
from dashboard.views.plain import PlainReport, PlainVerdict
from dashboard.views.predict import Predict
from dashboard.views.regression import RegressionReport, RegressionVerdict
from dashboard.views.sql import Sql
from dashboard.views.tab import Tab
from dashboard.views.tasks import TaskView, Verdict
from flows.projects.spec import Project

AnyTab = TypeVar("AnyTab", bound=Tab)

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
    metric = param.String(default="", doc="The curve's metric")
    window = param.String(default="", doc="How many of the newest events the curve shows")
    model = param.String(default="", doc="The version that is looked at")
    chart = param.String(default="", doc="The chart that was drawn")

    def __init__(self, project: Project, store: Store, tiles: str = "", **params: Any) -> None:
        super().__init__(**{"metric": project.score, **params})
        self._project, self._store = project, store
        self._feed = Feed(store, project.slug)
        self._banner = parts.Banner()
        self._problems = parts.Banner(severity="warning")
        self._state = parts.StateChip()
        self._report, self._verdict = task_views(project, tiles)
        self.facts = parts.Tiles(FACTS, {"xs": 2, "md": 5})
        self._bodies = {name: Body(name, partial(getattr, self, name)) for name in TABS}
        self._looks = 0
        self._tabs = pmui.Tabs(
            *((title, parts.stack()) for title in TABS.values()),
            active=list(TABS).index(self._name),
            margin=0,
            sizing_mode="stretch_width",
        )
        self._tabs.param.watch(self._choose, "active")

    @property
    def title(self) -> str:
        """What the browser calls the page."""
        return self._project.title

    @cached_property
    def live(self) -> Live:
        """The tab of the model as it learns."""
        return self._joined(Live(self._report, self._project, self._store, metric=self.metric))

    @cached_property
    def predict(self) -> Predict:
        """The tab that asks the model."""
        return self._joined(Predict(self._project, self._store, self._verdict))

    @cached_property
    def models(self) -> Models:
        """The tab of versions and of what leads."""
        return self._joined(Models(self._project, self._store, self._report.unit))

    @cached_property
    def sql(self) -> Sql:
        """The tab of questions to the lake."""
        return self._joined(Sql(self._project, self._store))

    @cached_property
    def batch(self) -> Batch:
        """The tab of models trained at once."""
        return self._joined(Batch(self._project, self._store, self._report.unit))

    @cached_property
    def analytics(self) -> Analytics:
        """The tab of what the events are like."""
        return self._joined(Analytics(self._project, self._store))

    @param.depends("tab", watch=True)
    def open(self) -> None:
        """Show the open tab's view: made after the page's frame, which then is there the sooner."""
        self._looks, was_made = 0, self._opened.is_put
        with pn.io.hold():
            self._tabs.active = list(TABS).index(self._name)
            if not was_made:
                self._opened.fill(self.snapshot)
            for each in self._bodies.values():
                each.show(each is self._opened)
        if was_made:
            self._catch_up_soon()

    def _catch_up_soon(self) -> None:
        """Let the open tab show what came while it was hidden, once it is seen again: what is drawn
        while the browser lays it out would let people wait for both."""
        document = sessions.current()
        if document is None:
            self._catch_up()
        else:
            document.add_timeout_callback(self._catch_up, CATCH_UP)

    def _catch_up(self) -> None:
        with pn.io.hold():
            self._opened.follow(self.snapshot)

    async def refresh(self) -> None:
        """Read what is new of the project and show it."""
        snapshot = await self._feed.read()
        with pn.io.hold():
            self.snapshot = snapshot
            self._show_facts()

    async def refresh_tab(self) -> None:
        """Read what is new of what only the open tab shows; may take longer than the rest.

        Once it has been looked at for some time, the others are made ahead, one by one.
        """
        await self._opened.refresh()
        self._looks += self._opened.is_there
        if self._looks > LOOKS:
            await self._make_ahead()

    async def _make_ahead(self) -> None:
        """Make the next tab that nobody has opened yet, or read what it shows."""
        body = next((each for each in self._bodies.values() if not each.is_read), None)
        if body and not body.is_put:
            SPARE.use(partial(self._fill, body))
        elif body:
            await body.refresh()

    def _fill(self, body: Body) -> None:
        with pn.io.hold():
            body.fill(self.snapshot)

    @property
    def _name(self) -> str:
        return self.tab if self.tab in TABS else next(iter(TABS))

    @property
    def _opened(self) -> Body:
        return self._bodies[self._name]

    def _joined(self, view: AnyTab) -> AnyTab:
        """Let a tab and the page have the same value of what the address names."""
        for name in SHARED:
            if name in view.param:
                setattr(view, name, getattr(self, name))
                _follow(view, self, name)
                _follow(self, view, name)
        return view

    def _choose(self, event: Any) -> None:
        self.tab = list(TABS)[event.new]

    @param.depends("snapshot", watch=True)
    def _show(self) -> None:
        project = self.snapshot.project
        self._banner.param.update(**parts.outage(self.snapshot.failure, self.snapshot.down_since))
        if project:
            self._state.state = project["state"]
            self._problems.message = "\n".join([*project["problems"], *_warning(self.snapshot)])
            self._opened.follow(self.snapshot)

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
        title = parts.heading(self._project.title, self._project.summary, "h1")
        boxes = [each.box for each in self._bodies.values()]
        head = parts.line(title, self._state, sx={"flexWrap": "nowrap"})
        return parts.stack(self._banner, self._problems, head, self.facts, self._tabs, *boxes)


TABS = {
    "live": "Live",
    "predict": "Predict",
    "models": "Models",
    "batch": "Batch",
    "sql": "SQL",
    "analytics": "Analytics",
}
"""The tabs in their order: as the page's attributes and the address name them, and their titles."""

CATCH_UP = 500
"""Milliseconds after which a tab that is shown again shows what is new."""

LOOKS = 3
"""How many seconds people look at a tab before the others are made."""

SHARED = ("metric", "window", "model", "chart")
"""What of a tab the address names, beside the tab."""


def at_first(project: Project) -> dict[str, str]:
    """What a page shows whose address names nothing."""
    return {
        "tab": next(iter(TABS)),
        "metric": project.score,
        "window": "",
        "model": "",
        "chart": "",
    }


FACTS = {
    "version": ("Model version", "Version of the live model, which answers predictions."),
    "age": ("Model age", "Time since the live model was published."),
    "learned": ("Learned from", "Labelled events that the live model has learned."),
    "speed": ("Events per second", "What the flow reads now."),
    "lag": ("Lag", "Messages on Kafka that the flow has not read yet."),
}


def task_views(project: Project, tiles: str = "") -> tuple[TaskView, Verdict]:
    """Make what shows a project's task, on the map tiles of that address where it has places."""
    if project.task.name not in TASKS:
        return PlainReport(project.score), PlainVerdict()
    report, verdict = TASKS[project.task.name]
    unit = unit_of(project)
    return report(unit=unit, tiles=tiles), verdict(unit=unit, tiles=tiles)


def _follow(shown: param.Parameterized, source: param.Parameterized, name: str) -> None:
    source.param.watch(lambda event: setattr(shown, name, event.new), name)


def _warning(snapshot: Snapshot) -> list[str]:
    if snapshot.project and snapshot.project["state"] == "stale":
        heard = wording.age(snapshot.age_seconds)
        return [f"The flow is silent; its newest model was published {heard} ago."]
    return []

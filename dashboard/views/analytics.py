"""The Analytics tab: what the events of a project are like, beyond what the model needs."""
# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from dashboard.client import Failure
from dashboard.columns import offered
from dashboard.store import Store
from dashboard.views import parts
from dashboard.views.charting import Charting
from dashboard.views.late import Late
from dashboard.views.profiling import Profiling
from dashboard.views.querying import Querying
from dashboard.views.tab import Tab
from flows.projects.spec import Project

NO_TABLE = "No rows yet: they appear when the flow has written its first events."


class Analytics(Tab):
    """A profile, charts and queries; `tables` is what the API said can be asked."""

    chart = param.String(default="", doc="The chart that is shown, as the address names it")
    tables = param.Parameter(default=None)

    def __init__(self, project: Project, store: Store, **params: Any) -> None:
        super().__init__(**params)
        self._project, self._store = project, store
        self._missing = parts.Banner()
        self.profiling = Profiling(project.slug, project.label is not None, store)
        self.charting = Charting(project.slug, store, chart=self.chart)
        self.querying = Querying(project.slug, store)
        self._rest = Late()
        self.charting.param.watch(lambda event: setattr(self, "chart", event.new), "chart")
        self.param.watch(lambda event: setattr(self.charting, "chart", event.new), "chart")

    async def refresh(self) -> None:
        """Read which columns there are, and draw the chart that the address names.

        Charts and queries come after the profile, which people see first.
        """
        tables = await self._store.tables()
        with pn.io.hold():
            self.tables = tables
            self._rest.put(self.charting, self.querying)
        if self._rest.is_there:
            await self.charting.refresh()

    @param.depends("tables", watch=True)
    def _show_tables(self) -> None:
        self._missing.param.update(**parts.trouble(self.tables))
        if isinstance(self.tables, Failure):
            return
        found = [one for one in self.tables["tables"] if one["name"] == self._project.slug]
        if not found:
            self._missing.param.update(title="", message=NO_TABLE, severity="info")
            return
        columns = offered(found[0]["columns"])
        self.charting.offer(columns)
        self.querying.offer(columns)

    def __panel__(self) -> pmui.Column:
        return parts.stack(self._missing, self.profiling, self._rest.box, margin=(16, 0, 0, 0))

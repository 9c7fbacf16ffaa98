"""The SQL tab: questions of one's own to what the lake has kept."""
# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from dashboard import wording
from dashboard.client import Failure
from dashboard.store import Store
from dashboard.views import inputs, parts
from dashboard.views.console import ENGINES, Console
from dashboard.views.editor import Editor
from dashboard.views.tab import Tab
from dashboard.views.table import Table
from flows.projects.spec import Project

LIMITS = (100, 1_000, 10_000)


class Sql(Console, Tab):
    """A console for texts of one's own, and the tables that they can read."""

    tables = param.Parameter(default=None, doc="What the API said can be queried")

    def __init__(self, project: Project, store: Store, **params: Any) -> None:
        queries = {query.title: query.sql for query in project.queries}
        editor = Editor(label="SQL text", value=next(iter(queries.values()), ""))
        super().__init__(store, editor, "Run", "sql", f"{project.slug}.csv", **params)
        self._project = project
        self._template = inputs.select("Template", queries, 260)
        self._engine = inputs.select("Engine", ENGINES, 120)
        self._limit = inputs.select("At most", {f"{wording.count(n)} rows": n for n in LIMITS}, 150)
        self._known = Table(
            "Tables", ("Name", "What it holds", "Columns"), nothing="", css_classes=["sql-tables"]
        )
        self._missing = parts.Banner()
        self._template.param.watch(self._take, "value")

    @property
    def engine(self) -> str:  # type: ignore[override]
        return str(self._engine.value)

    @property
    def most(self) -> int:  # type: ignore[override]
        return int(self._limit.value)

    async def refresh(self) -> None:
        """Read which tables there are; they change when a flow first writes."""
        tables = await self._store.tables()
        with pn.io.hold():
            self.tables = tables

    def _take(self, event: Any) -> None:
        self.editor.value = event.new

    @param.depends("tables", watch=True)
    def _show_tables(self) -> None:
        failed = isinstance(self.tables, Failure)
        self._missing.param.update(**parts.trouble(self.tables))
        if not failed:
            self._known.rows = listed(self.tables["tables"], self._project.slug)
            if not self._known.rows:
                self._missing.param.update(title="", message=_NO_TABLES, severity="info")

    def __panel__(self) -> pmui.Column:
        asked = parts.card(
            parts.titled("SQL", _NOTE, self._template),
            self.editor,
            parts.line(self._button, self._engine, self._limit),
        )
        head = parts.line(self._said, self._csv, sx={"flexWrap": {"xs": "wrap", "sm": "nowrap"}})
        found = parts.card(parts.heading("Rows"), self._problem, head, self.rows)
        known = parts.card(parts.heading("Tables", _TABLES_NOTE), self._missing, self._known)
        return parts.stack(asked, found, known, margin=(16, 0, 0, 0))


_NOTE = "Only reads. Ctrl-Enter runs the text; what takes too long is stopped."
_TABLES_NOTE = "What can be read of this project; those of other projects are named alike."
_NO_TABLES = "No tables yet: they appear when the flow has written its first events."


def listed(tables: list[dict[str, Any]], slug: str) -> list[tuple[str, str, str]]:
    """The tables of a project, with their columns and types."""
    return [
        (
            table["name"],
            table["summary"],
            ", ".join(f"{column['name']} {column['type']}" for column in table["columns"]),
        )
        for table in tables
        if table["name"] == slug or table["name"].startswith(f"{slug}_")
    ]

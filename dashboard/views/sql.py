"""The SQL tab: questions of one's own to what the lake has kept."""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import io
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from dashboard import wording
from dashboard.client import Failure
from dashboard.store import Store
from dashboard.views import parts
from dashboard.views.editor import Editor
from dashboard.views.predict import SETTLE
from dashboard.views.rows import Rows
from dashboard.views.tab import Tab
from dashboard.views.table import Table
from flows.projects.spec import Project

ENGINES = {"DuckDB": "duckdb", "Polars": "polars"}
LIMITS = (100, 1_000, 10_000)


class Sql(Tab):
    """An editor, and the rows of its last query; set `answer` to show one."""

    answer = param.Parameter(default=None, doc="What the API said to the last query")
    tables = param.Parameter(default=None, doc="What the API said can be queried")

    def __init__(self, project: Project, store: Store, **params: Any) -> None:
        super().__init__(**params)
        self._project, self._store = project, store
        queries = {query.title: query.sql for query in project.queries}
        self.editor = Editor(label="SQL text", value=next(iter(queries.values()), ""))
        self._template = _select("Template", queries, 260)
        self._engine = _select("Engine", ENGINES, 120)
        self._limit = _select("At most", {f"{wording.count(n)} rows": n for n in LIMITS}, 150)
        self._button = pmui.Button(
            label="Run", color="primary", icon="play_arrow", on_click=self._click, margin=0
        )
        self._problem = parts.Banner()
        self._known = Table(
            "Tables", ("Name", "What it holds", "Columns"), nothing="", css_classes=["sql-tables"]
        )
        self._missing = parts.Banner()
        self.rows = Rows()
        self._said = parts.quiet("", css_classes=["sql-said"])
        self._csv = pmui.FileDownload(
            callback=self._file, filename=f"{project.slug}.csv", label="Download as CSV",
            size="small", margin=0, visible=False,
        )  # fmt: skip
        self._template.param.watch(self._take, "value")
        self.editor.param.watch(self._key, "runs")

    async def refresh(self) -> None:
        """Read which tables there are; they change when a flow first writes."""
        tables = await self._store.tables()
        with pn.io.hold():
            self.tables = tables

    async def _click(self, _event: Any) -> None:
        await asyncio.sleep(SETTLE)
        await self.run()

    def _key(self, _event: Any) -> None:
        """Run it from the page's own loop: what is changed by a coroutine that answers a
        component's message does not reach the browser."""
        if pn.state.curdoc:
            pn.state.curdoc.add_next_tick_callback(self.run)  # type: ignore[arg-type]

    async def run(self) -> None:
        """Ask the API for what the text says, and show the answer."""
        if self._button.loading:
            return
        body = {
            "query": self.editor.value,
            "engine": self._engine.value,
            "limit": self._limit.value,
        }
        with self._button.param.update(loading=True):
            answer = await self._store.query(body)
        self.answer = answer

    def _take(self, event: Any) -> None:
        self.editor.value = event.new

    @param.depends("answer", watch=True)
    def _show(self) -> None:
        failed = isinstance(self.answer, Failure)
        self._problem.param.update(**parts.trouble(self.answer))
        with pn.io.hold():
            self._csv.visible = not failed
            self.rows.answer = None if failed else self.answer
            parts.say(self._said, "" if failed else told(self.answer))

    @param.depends("tables", watch=True)
    def _show_tables(self) -> None:
        failed = isinstance(self.tables, Failure)
        self._missing.param.update(**parts.trouble(self.tables))
        if not failed:
            self._known.rows = listed(self.tables["tables"], self._project.slug)
            if not self._known.rows:
                self._missing.param.update(title="", message=_NO_TABLES, severity="info")

    def _file(self) -> io.StringIO:
        return io.StringIO(self.rows.csv)

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


def told(answer: dict[str, Any]) -> str:
    """How many rows a query gave, how fast, from what, and whether there are more."""
    count, engine = answer["row_count"], answer["engine"]
    names = {value: name for name, value in ENGINES.items()}
    rows = "1 row" if count == 1 else f"{wording.count(count)} rows"
    lines = [f"{rows} in {wording.count(answer['elapsed_ms'])} ms by {names.get(engine, engine)}."]
    if answer["truncated"]:
        lines.append("Truncated: there are more rows than these; ask for more, or for fewer.")
    versions = [f"{table['name']} at version {table['version']}" for table in answer["tables"]]
    if versions:
        lines.append(f"Read {', '.join(versions)}.")
    return "\n".join(lines)


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


def _select(label: str, options: dict[str, Any], width: int) -> pmui.Select:
    return pmui.Select(
        label=label, options=options, value=next(iter(options.values()), None), width=width,
        description="", size="small", margin=0,
    )  # fmt: skip

"""Queries that are clicked together, shown as SQL, changed there and run."""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from dashboard.client import Failure
from dashboard.queries import Offered, QueryError, description, sql
from dashboard.store import Store
from dashboard.views import parts
from dashboard.views.builder import Builder
from dashboard.views.editor import Editor
from dashboard.views.predict import SETTLE
from dashboard.views.rows import Rows
from dashboard.views.sql import told

NOTE = (
    "Choose columns, filters and groups; the SQL below follows, and can be changed before it runs."
)
MOST = 1_000


class Querying(pn.viewable.Viewer):
    """A builder, its SQL, and the rows; set `table` and `offered` to what can be asked."""

    answer = param.Parameter(default=None, doc="What the API said to the last query")

    def __init__(self, table: str, store: Store, **params: Any) -> None:
        super().__init__(**params)
        self._table, self._store = table, store
        self._offered = Offered()
        self.builder = Builder(css_classes=["query-builder"])
        self.editor = Editor(label="SQL of the query")
        self._unmade = parts.Banner(severity="info")
        self._problem = parts.Banner()
        self._button = pmui.Button(
            label="Run query", color="primary", icon="play_arrow", on_click=self._click, margin=0
        )
        self.rows = Rows()
        self._said = parts.quiet("", css_classes=["query-said"])
        self._csv = pmui.FileDownload(
            callback=self._file, filename=f"{table}-query.csv", label="Download as CSV",
            size="small", margin=0, visible=False,
        )  # fmt: skip
        self.builder.param.watch(lambda _event: self._make(), "value")
        self.editor.param.watch(self._key, "runs")

    def offer(self, offered: Offered) -> None:
        """Let these columns be chosen."""
        if offered != self._offered:
            self._offered = offered
            self.builder.offered = [[name, kind] for name, kind in offered.kinds.items()]
            self._make()

    def _make(self) -> None:
        try:
            text = sql(description(self._table, json.loads(self.builder.value)), self._offered)
        except QueryError as error:
            self._unmade.message = str(error)
            return
        self._unmade.message = ""
        self.editor.value = text

    async def _click(self, _event: Any) -> None:
        await asyncio.sleep(SETTLE)
        await self.run()

    def _key(self, _event: Any) -> None:
        if pn.state.curdoc:
            pn.state.curdoc.add_next_tick_callback(self.run)  # type: ignore[arg-type]

    async def run(self) -> None:
        """Run what the SQL says by now."""
        if self._button.loading:
            return
        body = {"query": self.editor.value, "engine": "duckdb", "limit": MOST}
        with self._button.param.update(loading=True):
            answer = await self._store.query(body)
        self.answer = answer

    @param.depends("answer", watch=True)
    def _show(self) -> None:
        failed = isinstance(self.answer, Failure)
        self._problem.param.update(**parts.trouble(self.answer))
        with pn.io.hold():
            self._csv.visible = not failed
            self.rows.answer = None if failed else self.answer
            parts.say(self._said, "" if failed else told(self.answer))

    def _file(self) -> io.StringIO:
        return io.StringIO(self.rows.csv)

    def __panel__(self) -> pmui.Paper:
        wrap = {"flexWrap": {"xs": "wrap", "sm": "nowrap"}}
        return parts.card(
            parts.heading("Query", NOTE),
            self.builder,
            self._unmade,
            self.editor,
            parts.line(self._button, self._csv),
            self._problem,
            parts.line(self._said, sx=wrap),
            self.rows,
        )

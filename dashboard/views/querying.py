"""Queries that are clicked together, shown as SQL, changed there and run."""
# mypy: allow-untyped-calls

from __future__ import annotations

import json
from typing import Any

import panel_material_ui as pmui

from dashboard.queries import Offered, QueryError, description, sql
from dashboard.store import Store
from dashboard.views import parts
from dashboard.views.builder import Builder
from dashboard.views.console import Console
from dashboard.views.editor import Editor

NOTE = (
    "Choose columns, filters and groups; the SQL below follows, and can be changed before it runs."
)


class Querying(Console):
    """A builder, its SQL, and the rows; tell what can be asked by `offer`."""

    engine, most = "duckdb", 1_000

    def __init__(self, table: str, store: Store, **params: Any) -> None:
        editor = Editor(label="SQL of the query")
        super().__init__(store, editor, "Run query", "query", f"{table}-query.csv", **params)
        self._table = table
        self._offered = Offered()
        self.builder = Builder(css_classes=["query-builder"])
        self._unmade = parts.Banner(severity="info")
        self.builder.param.watch(lambda _event: self._make(), "value")

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

"""The rows of a query: sortable, searchable, and as a file."""
# mypy: allow-untyped-calls

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui
import param

from dashboard.views import parts

pn.extension("tabulator")

PAGE = 25


class Rows(pn.viewable.Viewer):
    """Set `answer` to show its rows; None shows nothing. `search` leaves those that contain it."""

    answer = param.Dict(default=None, allow_None=True)
    search = param.String(default="")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._search = pmui.TextInput.from_param(
            self.param.search, label="Search in these rows", description="", size="small",
            margin=0, width=260, visible=False,
        )  # fmt: skip
        self._body = parts.stack()
        self._left = parts.quiet("", css_classes=["sql-left"])
        self._frame: pd.DataFrame | None = None
        self._table: Any = None

    @property
    def csv(self) -> str:
        """All rows, whatever is searched for."""
        return "" if self._frame is None else self._frame.to_csv(index=False)

    @param.depends("answer", watch=True)
    def _take(self) -> None:
        self._frame = None if self.answer is None else frame(self.answer)
        self.search = ""
        self._search.visible = self._frame is not None and len(self._frame) > 1
        self._body.visible = self._frame is not None
        if self._frame is not None:
            self._body.objects = [self._made(self._frame)]
        self._count(self._frame)

    @param.depends("search", watch=True)
    def _find(self) -> None:
        if self._frame is not None and self._table is not None:
            found = containing(self._frame, self.search)
            self._table.value = found
            self._count(found)

    def _count(self, found: pd.DataFrame | None) -> None:
        parts.say(
            self._left, f"{len(found)} contain it." if found is not None and self.search else ""
        )

    def _made(self, value: pd.DataFrame) -> Any:
        """Make a table for these columns; one of other columns cannot show them."""
        self._table = pn.widgets.Tabulator(
            value, disabled=True, show_index=False, pagination="local", page_size=PAGE,
            sizing_mode="stretch_width", layout="fit_data_fill", margin=0, selectable=False,
            css_classes=["sql-rows"],
        )  # fmt: skip
        return self._table

    def __panel__(self) -> pmui.Column:
        return parts.stack(parts.line(self._search, self._left), self._body)


def frame(answer: dict[str, Any]) -> pd.DataFrame:
    """The rows as a table; what is nested in them as JSON, columns of the same name numbered."""
    names = _distinct([column["name"] for column in answer["columns"]])
    rows = [[_flat(value) for value in row] for row in answer["rows"]]
    return pd.DataFrame(rows, columns=names)


def containing(rows: pd.DataFrame, search: str) -> pd.DataFrame:
    """Those rows of which some value contains a text, in whatever case."""
    if not search:
        return rows
    wanted = search.casefold()
    hits = [any(wanted in str(value).casefold() for value in row) for row in rows.to_numpy()]
    return rows[hits]


def _distinct(names: list[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        other, number = name, 2
        while other in found:
            other, number = f"{name} {number}", number + 1
        found.append(other)
    return found


def _flat(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value

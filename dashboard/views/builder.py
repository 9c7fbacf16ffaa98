"""A query clicked together: columns in their order, filters, orders and a limit."""
# mypy: allow-untyped-calls

from __future__ import annotations

import json
from typing import Any

import panel as pn
import param

from dashboard.queries import FUNCTIONS, OPERATORS, ROWS, WITHOUT_VALUE
from dashboard.views.builder_page import SCRIPT, STYLE

EMPTY = json.dumps({"columns": [], "filters": [], "orders": [], "limit": 100})


class Builder(pn.custom.JSComponent):
    """`value` is what was clicked together, as JSON, of the columns in `offered`, by name and kind.

    Columns are moved by dragging them, by their buttons, or with Alt and an arrow key.
    """

    value = param.String(default=EMPTY)
    offered = param.List(default=[])
    functions = param.List(default=list(FUNCTIONS))
    operators = param.List(default=list(OPERATORS))
    bare = param.List(default=list(WITHOUT_VALUE), doc="Operators that need no value")
    rows = param.String(default=ROWS, doc="The column that counts rows")

    _esm = SCRIPT
    _stylesheets = [STYLE]  # noqa: RUF012 - as Panel has it

    def __init__(self, **params: Any) -> None:
        super().__init__(**{"sizing_mode": "stretch_width", "margin": 0, **params})

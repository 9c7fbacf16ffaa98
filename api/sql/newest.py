"""Queries for a few rows of one view, in an order that needs no label.

A view joins events with their labels. Engines join everything before they keep the newest hundred;
for texts of this shape, and no others, the hundred are found first. An event has at most one label,
so the join neither adds nor drops any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MOST_ROWS = 20_000
ORDERS = {"ORDER_DEFAULT": False, "ASCENDING": False, "ORDER_ASC": False}
ORDERS |= {"DESCENDING": True, "ORDER_DESC": True}
ABSENT = (
    *("where_clause", "having", "qualify", "sample"),
    *("group_expressions", "group_sets"),
)


@dataclass(frozen=True, slots=True)
class Newest:
    """The first rows of a view: `orders` are columns in small letters, with whether they descend.

    `limit` is None where the text has none, and all rows are asked for.
    """

    view: str
    orders: tuple[tuple[str, bool], ...]
    limit: int | None
    offset: int

    def count(self, most: int) -> int | None:
        """How many rows of the view decide an answer of at most `most`; None if too many."""
        rows = most if self.limit is None else min(most, self.limit)
        needed = rows + self.offset
        return needed if needed <= MOST_ROWS else None


def newest(statement: Any) -> Newest | None:
    """Read a statement of DuckDB's syntax tree; None if it is of another shape."""
    node = statement["node"]
    table = node.get("from_table") or {}
    if node["type"] != "SELECT_NODE" or node["cte_map"]["map"] or any(map(node.get, ABSENT)):
        return None
    if node["aggregate_handling"] != "STANDARD_HANDLING" or not _is_plain(table):
        return None
    names = {str(table["table_name"]).lower(), str(table["alias"]).lower()}
    orders: list[tuple[str, bool] | None] = []
    limit: int | None = None
    offset: int | None = 0
    for modifier in node["modifiers"]:
        if modifier["type"] == "ORDER_MODIFIER":
            orders = [_order(one, names) for one in modifier["orders"]]
        elif modifier["type"] == "LIMIT_MODIFIER" and modifier["limit_type"] == "ROW_COUNT":
            limit, offset = _number(modifier["limit"], None), _number(modifier["offset"], 0)
            if limit == -1 or offset == -1:
                return None
        else:
            return None
    columns = [one for one in orders if one is not None]
    if len(columns) < len(orders) or not _is_simple(node["select_list"], names):
        return None
    return Newest(str(table["table_name"]).lower(), tuple(columns), limit, offset or 0)


def _is_plain(table: dict[str, Any]) -> bool:
    held = table.get("column_name_alias") or table.get("sample") or table.get("at_clause")
    return table.get("type") == "BASE_TABLE" and not held


def _is_simple(selected: list[dict[str, Any]], names: set[str]) -> bool:
    """Only columns under their own names: another could hide a column to order by."""
    return all(
        not (one["replace_list"] or one["rename_list"] or one["columns"] or one["expr"])
        if one["class"] == "STAR"
        else not one["alias"] and _column(one, names) is not None
        for one in selected
    )


def _order(order: dict[str, Any], names: set[str]) -> tuple[str, bool] | None:
    column = _column(order["expression"], names)
    return None if column is None else (column, ORDERS[order["type"]])


def _column(expression: dict[str, Any], names: set[str]) -> str | None:
    """The name of a column of the view, no part of one."""
    if expression["class"] != "COLUMN_REF":
        return None
    *of, column = [str(name).lower() for name in expression["column_names"]]
    return column if not of or (len(of) == 1 and of[0] in names) else None


def _number(expression: dict[str, Any] | None, absent: int | None) -> int | None:
    """What a LIMIT or OFFSET says; -1 if that is more than a small number."""
    if expression is None:
        return absent
    literal = expression.get("literal") or {}
    text = str(literal.get("text"))
    return int(text) if text.isdecimal() and len(text) < 10 else -1

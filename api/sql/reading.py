"""Reads a SQL text with DuckDB's own parser, and lets through only what reads the offered tables.

The type of a statement is not enough: in DuckDB 2.0 `WITH x AS (COPY … TO …) SELECT …` and its like
with INSERT, UPDATE and DELETE are of type SELECT. So every part of the syntax tree must be of a
known kind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from api.sql.errors import SqlError, SqlNotAllowed
from api.sql.newest import Newest, newest

Config = dict[str, str | bool | int | float | list[str]]

LONGEST_TEXT = 20_000

NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
SOURCES = {"EMPTY", "EXPRESSION_LIST", "JOIN", "PIVOT", "SUBQUERY"}
ORDERS = {"ORDER_DEFAULT", "ASCENDING", "DESCENDING", "ORDER_ASC", "ORDER_DESC"}
TABLE_FUNCTIONS = {"generate_series", "json_each", "json_tree", "range", "repeat", "unnest"}
TELLTALES = {"current_setting", "getenv", "getvariable", "query", "query_table", "which_secret"}
"""Functions that tell of the process instead of the tables."""

_EXPLAIN = re.compile(r"(?is)\s*EXPLAIN\s+(ANALYZE\b)?(.*)")
_END = re.compile(r"(?s);(?:\s|;|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*\Z")
_NAME = re.compile(r"(?!duckdb_|pg_|sqlite_|pragma_)[A-Za-z_]\w*", re.ASCII)

_parser: list[duckdb.DuckDBPyConnection] = []


@dataclass(frozen=True, slots=True)
class Reading:
    """A SELECT without its semicolon, what to explain of it, and the offered tables it names.

    `newest`: what it asks for, if that is a few rows of one of them.
    """

    select: str
    explain: str
    tables: frozenset[str]
    newest: Newest | None

    @property
    def text(self) -> str:
        """The statement to run."""
        return f"{self.explain} {self.select}" if self.explain else self.select


def read(text: str, offered: Collection[str], functions: Collection[str]) -> Reading:
    """Read one SELECT or EXPLAIN of it.

    `offered`: names of tables in small letters; `functions`: table functions that may be called.
    Raises SqlError for what cannot be parsed, SqlNotAllowed for what asks for more than to read.
    """
    if len(text) > LONGEST_TEXT:
        raise SqlNotAllowed(f"the query has {len(text)} characters; {LONGEST_TEXT} are allowed")
    if "\0" in text:
        raise SqlError("the query holds a zero byte; remove it")
    explain, select = _split(_only_statement(text))
    if explain:
        select = _only_statement(select)
    select = _without_end(select)
    tree = _parse(select)
    tables = frozenset(_Tree(offered, functions).check(tree))
    return Reading(select, explain, tables, newest(tree[0]))


def _only_statement(text: str) -> str:
    try:
        statements = _connection().extract_statements(text)
    except duckdb.Error as error:
        raise SqlError(str(error)) from None
    if len(statements) != 1:
        raise SqlNotAllowed(f"the query has {len(statements)} statements; send exactly one")
    kind = statements[0].type
    if kind not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
        raise SqlNotAllowed(f"{kind.name} is not allowed; send a SELECT, or EXPLAIN one")
    return str(statements[0].query)


def _split(text: str) -> tuple[str, str]:
    """EXPLAIN and what it explains; that is read anew, so a wrong split can only be refused."""
    found = _EXPLAIN.match(text)
    if found is None:
        return "", text
    return "EXPLAIN ANALYZE" if found[1] else "EXPLAIN", found[2]


def _without_end(select: str) -> str:
    """The text as it can stand in brackets."""
    for text in (select, _END.sub("", select)):
        try:
            if len(_connection().extract_statements(f"SELECT * FROM (\n{text}\n)")) == 1:
                return text
        except duckdb.Error:
            continue
    raise SqlError("the query does not end where it should; remove what follows the semicolon")


def _parse(select: str) -> Any:
    (found,) = _connection().execute("SELECT json_serialize_sql(?)", [select]).fetchall()
    tree = json.loads(found[0])
    if tree["error"] or len(tree["statements"]) != 1:
        raise SqlNotAllowed(f"only a SELECT can be run: {tree.get('error_message', 'one')}")
    return tree["statements"]


def _connection() -> duckdb.DuckDBPyConnection:
    """A database without tables and without the outside, for its parser."""
    if not _parser:
        config: Config = {
            "threads": 1,
            "enable_external_access": False,
            "lock_configuration": True,
        }
        _parser.append(duckdb.connect(":memory:", config=config))
    return _parser[0]


class _Tree:
    """Walks a syntax tree; collects the tables it names."""

    def __init__(self, offered: Collection[str], functions: Collection[str]) -> None:
        self._offered = offered
        self._functions = functions
        self._named: set[str] = set()

    def check(self, tree: Any) -> set[str]:
        """Raises SqlNotAllowed at the first part that is not known to only read."""
        parts = list(_parts(tree))
        self._named = {name.lower() for part in parts for name in _names(part)}
        return {table for part in parts for table in self._check(part)}

    def _check(self, part: dict[str, Any]) -> Iterator[str]:
        kind = part.get("type")
        if part.get("class") is not None:
            self._check_call(part)
        elif kind == "BASE_TABLE":
            yield from self._check_table(part)
        elif kind == "TABLE_FUNCTION":
            self._check_table_function(part["function"])
        elif kind == "SHOW_REF":
            self._check_show(part)
        elif isinstance(kind, str) and not _is_harmless(kind):
            what = kind.removesuffix("_NODE").removesuffix("_QUERY").replace("_", " ")
            raise SqlNotAllowed(f"{what} is not allowed in a query; only read the tables")

    def _check_call(self, part: dict[str, Any]) -> None:
        name = str(part.get("function_name", "")).lower()
        if name in TELLTALES:
            raise SqlNotAllowed(f"the function {name} is not allowed")

    def _check_table(self, part: dict[str, Any]) -> Iterator[str]:
        name = str(part["table_name"])
        inside = not part["catalog_name"] and str(part["schema_name"]).lower() in ("", "main")
        if part["at_clause"] is not None:
            raise SqlNotAllowed("AT is not allowed; queries read the newest version of a table")
        if inside and name.lower() in self._offered:
            yield name.lower()
        elif not (inside and not part["schema_name"] and name.lower() in self._named):
            known = ", ".join(sorted(self._offered)) or "none yet: flows make them"
            raise SqlNotAllowed(f"there is no table {name!r} to query; tables: {known}")

    def _check_table_function(self, function: dict[str, Any]) -> None:
        name = str(function["function_name"]).lower()
        if name not in self._functions or function["schema"] or function["catalog"]:
            known = ", ".join(sorted(self._functions)) or "none"
            raise SqlNotAllowed(f"the table function {name} is not allowed; allowed: {known}")

    def _check_show(self, part: dict[str, Any]) -> None:
        if part["query"] is None:
            raise SqlNotAllowed("SHOW is not allowed; GET /sql/tables lists the tables")


def _is_harmless(kind: str) -> bool:
    return kind in NODES | SOURCES | ORDERS or kind.endswith(("_MODIFIER", "_TYPE_INFO"))


def _parts(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of a tree; a stack, since trees can be deep."""
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _names(part: dict[str, Any]) -> Iterator[str]:
    """Names that a WITH gives to queries."""
    for entry in (part.get("cte_map") or {}).get("map", ()):
        if not _NAME.fullmatch(entry["key"]):
            raise SqlNotAllowed(f"WITH cannot name a query {entry['key']!r}; use a plain name")
        yield entry["key"]

"""The rows that are looked at, in a table of DuckDB with eight bytes a value.

Texts are kept as hashes, so that even a million rows of long texts fit into the memory of a query;
the few texts that a profile shows are looked up again where they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb

from api.analytics.asked import Rows
from api.analytics.figures import Kind

TABLE = "taken"
_NUMBERS = {
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER"),
    *("UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A value of each row: `short` is its name in the table, `text` the SQL that reads it from a
    view, `plain` whether the view without joins has it."""

    name: str
    short: str
    type: str
    kind: Kind
    text: str
    plain: bool = True


@dataclass(frozen=True, slots=True)
class Taken:
    """The table's columns, and how many rows it has of how many there are."""

    database: duckdb.DuckDBPyConnection
    asked: Rows
    columns: list[Column]
    where: str
    rows: int
    of_rows: int

    @property
    def time(self) -> Column:
        """The column by which rows are newer than others."""
        return next(column for column in self.columns if column.name == self.asked.time)

    def one(self, text: str) -> tuple[Any, ...]:
        """The only row of a query."""
        (found,) = self.all(text)
        return found

    def all(self, text: str) -> list[tuple[Any, ...]]:
        """Every row of a query."""
        return self.database.execute(text).fetchall()


def take(database: duckdb.DuckDBPyConnection, asked: Rows) -> Taken:
    """Fill the table."""
    columns = columns_of(database, asked)
    rows, of_rows, where = chosen(database, asked)
    values = ", ".join(f"{_kept(column)} AS {column.short}" for column in columns)
    view = quoted(asked.view)
    database.execute(f"CREATE TEMP TABLE {TABLE} AS SELECT {values} FROM {view} WHERE {where}")
    return Taken(database, asked, columns, where, rows, of_rows)


def columns_of(database: duckdb.DuckDBPyConnection, asked: Rows) -> list[Column]:
    """The values of a view, those of structs one by one."""
    whole, plain = (database.table(quoted(name)) for name in (asked.view, asked.plain))
    told = [
        (path, kind, text, path[0] in plain.columns)
        for name, of in zip(whole.columns, whole.types, strict=True)
        for path, kind, text in _flat((name,), of, quoted(name))
    ]
    return [
        Column(".".join(path), f"c{number}", str(of), kind_of(str(of)), text, is_plain)
        for number, (path, of, text, is_plain) in enumerate(told)
    ]


def chosen(database: duckdb.DuckDBPyConnection, asked: Rows) -> tuple[int, int, str]:
    """How many rows are asked for, of how many there are, and the condition that they fulfil."""
    time, since = quoted(asked.time), asked.since
    wanted = "true" if since is None else f"{time} >= {moment(since)}"
    rows, of_rows = _counted(database, asked, wanted)
    if rows > asked.most:
        share = (rows - asked.most + 0.5) / rows
        (first,) = database.execute(
            f"SELECT quantile_disc(epoch_us({time}), {share!r}) FROM {quoted(asked.plain)}"
            f" WHERE {wanted}"
        ).fetchone() or (None,)
        wanted = f"{time} >= make_timestamptz({first})"
        rows, _ = _counted(database, asked, wanted)
    return rows, of_rows, wanted


def kind_of(type_name: str) -> Kind:
    """What a type of DuckDB's holds."""
    plain = type_name.partition("(")[0]
    if plain in _NUMBERS:
        return "number"
    if plain == "DATE" or plain.startswith("TIMESTAMP"):
        return "time"
    return "boolean" if plain == "BOOLEAN" else "text"


def moment(time: datetime) -> str:
    """A time as SQL."""
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return f"TIMESTAMPTZ '{aware.astimezone(UTC).isoformat()}'"


def quoted(name: str) -> str:
    """A name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def written(values: list[str] | tuple[str, ...]) -> str:
    """Texts as SQL, with commas between them."""
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)


def _counted(database: duckdb.DuckDBPyConnection, asked: Rows, wanted: str) -> tuple[int, int]:
    found = database.execute(
        f"SELECT count(*) FILTER (WHERE {wanted}), count(*) FROM {quoted(asked.plain)}"
    ).fetchone()
    return found or (0, 0)


def _flat(path: tuple[str, ...], of: Any, text: str) -> list[tuple[tuple[str, ...], Any, str]]:
    if of.id != "struct":
        return [(path, of, text)]
    return [
        part
        for name, kind in of.children
        for part in _flat((*path, name), kind, f"struct_extract({text}, {written([name])})")
    ]


def _kept(column: Column) -> str:
    if column.kind == "number":
        return f"CAST({column.text} AS DOUBLE)"
    if column.kind == "time":
        return f"epoch({column.text})"
    if column.kind == "boolean":
        return column.text
    return f"CASE WHEN {column.text} IS NOT NULL THEN {hashed(column)} END"


def hashed(column: Column) -> str:
    """The hash of a text as SQL."""
    return f"hash(CAST({column.text} AS VARCHAR))"

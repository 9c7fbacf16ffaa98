"""The columns of a table as the API tells them, those of structs one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dashboard.queries import Kind, Offered

NUMBERS = {
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER"),
    *("UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL"),
}
STRUCT = "STRUCT("


def offered(columns: Sequence[Mapping[str, Any]]) -> Offered:
    """What can be asked of columns, by their names and DuckDB's types."""
    found = [
        (path, kind)
        for column in columns
        for path, kind in _flat((column["name"],), column["type"])
    ]
    kinds = {".".join(path): _kind(kind) for path, kind in found}
    return Offered(kinds, {".".join(path): path for path, _ in found})


def _flat(path: tuple[str, ...], kind: str) -> Iterator[tuple[tuple[str, ...], str]]:
    if not (kind.startswith(STRUCT) and kind.endswith(")")):
        yield path, kind
        return
    for field in _split(kind[len(STRUCT) : -1]):
        name, _, of = _named(field)
        yield from _flat((*path, name), of)


def _split(fields: str) -> Iterator[str]:
    """The parts between commas that are in no brackets and no quotes."""
    depth, quoted, begun = 0, False, 0
    for at, character in enumerate(fields):
        if character == '"':
            quoted = not quoted
        elif not quoted and character in "([":
            depth += 1
        elif not quoted and character in ")]":
            depth -= 1
        elif not quoted and depth == 0 and character == ",":
            yield fields[begun:at].strip()
            begun = at + 1
    yield fields[begun:].strip()


def _named(field: str) -> tuple[str, str, str]:
    if not field.startswith('"'):
        return field.partition(" ")
    end = 1
    while field[end : end + 2] == '""' or field[end] != '"':
        end += 2 if field[end : end + 2] == '""' else 1
    return field[1:end].replace('""', '"'), " ", field[end + 2 :]


def _kind(kind: str) -> Kind:
    plain = kind.partition("(")[0]
    if plain in NUMBERS and not kind.endswith("]"):
        return "number"
    if plain == "DATE" or plain.startswith("TIMESTAMP"):
        return "time"
    return "boolean" if plain == "BOOLEAN" else "text"

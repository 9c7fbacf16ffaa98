"""SQL in the part of its spelling on which all parsers agree.

Polars has a parser of its own and cannot be kept from reading files, so what DuckDB's parser was
shown must mean the same to Polars: texts are taken apart here and put together anew, without
comments, with a space between any two parts, and without anything that dialects read differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from api.sql.errors import SqlNotAllowed

_PART = re.compile(
    r"""(?xs)
    (?P<blank> \s+ | --[^\n]*(?:\n|\Z) | /\*(?:(?!/\*|\*/).)*\*/ )
    | (?P<text> '(?:[^'\\]|'')*' )
    | (?P<name> "[^"\\]+" | [A-Za-z_][A-Za-z0-9_]* )
    | (?P<number> [0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)? )
    | (?P<sign> ->> | :: | <= | >= | <> | != | \|\| | -> | // )
    | (?P<single> /(?!\*) | \*(?!/) | [-+%<>=(),.\[\]:;] )
    """
)
_READS = re.compile(r"(?i)(read|scan)_\w+")


def plain(text: str) -> str:
    """The same text in plain spelling. Raises SqlNotAllowed where that is not possible."""
    parts = list(_parts(text))
    for part, following in pairwise(parts):
        if following == "(" and _READS.fullmatch(part.strip('"')):
            raise SqlNotAllowed(f"the function {part} is not allowed; read the offered tables")
    return " ".join(parts)


def _parts(text: str) -> Iterator[str]:
    position = 0
    while position < len(text):
        found = _PART.match(text, position)
        if found is None:
            raise SqlNotAllowed(
                f"{text[position]!r} at character {position + 1} cannot be used with Polars;"
                " use engine duckdb, or write it otherwise"
            )
        if found.lastgroup != "blank":
            yield found[0]
        position = found.end()

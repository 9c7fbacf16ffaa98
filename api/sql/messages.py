"""What the API and the processes that run queries tell each other."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from api.sql.errors import SqlError, SqlNotAllowed, SqlTimeout, SqlTooLarge
from flows.errors import RealtimeError, StoreError

Engine = Literal["duckdb", "polars"]
Format = Literal["json", "csv", "arrow"]

KINDS: dict[str, type[RealtimeError]] = {
    "sql": SqlError,
    "not-allowed": SqlNotAllowed,
    "timeout": SqlTimeout,
    "too-large": SqlTooLarge,
    "store": StoreError,
}


RESERVED_MB = 2_000
"""What allocators and stacks of a process set aside without using it."""


class Views(msgspec.Struct, frozen=True, kw_only=True):
    """What is offered of one project; `label` is None where events have none."""

    slug: str
    topic: str
    event_id: str
    time: str
    label: str | None


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """All that a worker is told once. Sizes in MB: `memory` is a query's, `room` the process's;
    `temp` is a folder of its own."""

    lake: str
    options: dict[str, str]
    views: list[Views]
    seconds: float
    memory: int
    room: int
    threads: int
    temp: str
    temp_size: int


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker says when it can be asked: whether the kernel confines it, and whether it can
    be asked again; one that found no lake could not open one that is made later."""

    confined: bool
    lasts: bool


class Query(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Run a text; the answer has at most `limit` rows."""

    text: str
    engine: Engine
    limit: int
    format: Format


class Tables(msgspec.Struct, frozen=True, tag=True):
    """Tell what can be queried."""


class Analysis(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Work out figures of a view, for at most so many seconds; `body` says more, in msgpack."""

    kind: Literal["profile", "chart"]
    view: str
    body: bytes
    seconds: float


class SqlColumn(msgspec.Struct, frozen=True):
    """A column; its type is named as its engine names it."""

    name: str
    type: str


class TableVersion(msgspec.Struct, frozen=True):
    """A Delta table with the version that was read."""

    name: str
    version: int


class SqlTable(msgspec.Struct, frozen=True, kw_only=True):
    """A view that queries can read, over the Delta tables `tables`."""

    name: str
    summary: str
    columns: list[SqlColumn]
    tables: list[TableVersion]


class SqlTables(msgspec.Struct, frozen=True):
    """Every view; a project's views appear when its flow has made its tables."""

    tables: list[SqlTable]


class SqlAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a query, each a list in the order of `columns`.

    `truncated`: there are more rows than were asked for. Infinite and undefined numbers are null.
    """

    engine: Engine
    columns: list[SqlColumn]
    rows: list[list[Any]]
    row_count: int
    truncated: bool
    elapsed_ms: float
    tables: list[TableVersion]


class Rows(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An answer, encoded in the format that was asked for."""

    body: bytes
    row_count: int
    truncated: bool
    elapsed_ms: float
    tables: list[TableVersion]


class Figures(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What an analysis found, in msgpack, and which versions it read."""

    body: bytes
    tables: list[TableVersion]


class Listing(msgspec.Struct, frozen=True, tag=True):
    """The views there are now."""

    tables: list[SqlTable]


class Failure(msgspec.Struct, frozen=True, tag=True):
    """Why there is no answer; `kind` is a key of KINDS."""

    kind: str
    detail: str


Request = Query | Tables | Analysis
Reply = Rows | Listing | Figures | Failure


def seconds_of(setup: Setup, request: Request) -> float:
    """How long a request may take."""
    return request.seconds if isinstance(request, Analysis) else setup.seconds


def failure(error: RealtimeError) -> Failure:
    """Make a reply of an error."""
    found = (name for name, kind in reversed(KINDS.items()) if isinstance(error, kind))
    return Failure(next(found, "sql"), str(error))


def raised(reply: Failure) -> RealtimeError:
    """Make the error of a reply."""
    return KINDS[reply.kind](reply.detail)


def took_longer(seconds: float) -> str:
    """Say that a query was stopped."""
    return f"the query took longer than {seconds:g} s; read fewer rows, or name the days you need"

"""Answers requests with what is in the lake; belongs in a process of its own."""

from __future__ import annotations

import time

from api.analytics.answering import analyse
from api.sql import duck, encoding, polar, views
from api.sql.errors import SqlError
from api.sql.lake import Lake
from api.sql.messages import (
    Analysis,
    Figures,
    Listing,
    Query,
    Reply,
    Request,
    Rows,
    Setup,
    SqlTable,
    Tables,
    TableVersion,
    failure,
)
from api.sql.plain import plain
from api.sql.reading import TABLE_FUNCTIONS, read
from flows.errors import RealtimeError


class Answering:
    """Holds the lake's tables open from one request to the next."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._lake = Lake(setup.lake, setup.options)
        self._names = views.names(setup.views)

    def answer(self, request: Request) -> Reply:
        """Do what is asked."""
        try:
            if isinstance(request, Tables):
                return self._list()
            return self._figure(request) if isinstance(request, Analysis) else self._run(request)
        except RealtimeError as error:
            return failure(error)

    def _run(self, query: Query) -> Rows:
        began = time.perf_counter()
        polars = query.engine == "polars"
        text = plain(query.text) if polars else query.text
        reading = read(text, self._names, () if polars else TABLE_FUNCTIONS)
        opened = self._open(reading.tables)
        found = (polar if polars else duck).run(self._setup, opened, reading, query.limit)
        return encoding.encode(
            found.columns,
            found.rows,
            query,
            self._versions(opened, reading.tables),
            round((time.perf_counter() - began) * 1000, 3),
        )

    def _figure(self, asked: Analysis) -> Figures:
        named = frozenset([asked.view])
        opened = self._open(named)
        with duck.limited(self._setup, opened, asked.seconds) as database:
            body = analyse(database, asked)
        return Figures(body=body, tables=self._versions(opened, named))

    def _open(self, named: frozenset[str]) -> list[views.Tables]:
        """The tables behind the named views. Raises SqlError for one that is not there."""
        opened: dict[str, views.Tables] = {}
        for name in sorted(named):
            of, kind = self._names[name]
            found = opened.get(of.slug) or views.tables(self._lake, of)
            if found is None or kind not in found.kinds():
                raise SqlError(f"no table {name!r} yet: the flow of {of.slug} makes it")
            opened[of.slug] = found
        return list(opened.values())

    def _versions(self, opened: list[views.Tables], named: frozenset[str]) -> list[TableVersion]:
        versions = {
            version.name: version
            for each in opened
            for kind, read in each.kinds().items()
            if f"{each.of.slug}{kind}".lower() in named
            for version in read
        }
        return list(versions.values())

    def _list(self) -> Listing:
        found = [views.tables(self._lake, of) for of in self._setup.views]
        opened = [each for each in found if each is not None]
        columns = duck.describe(self._setup, opened)
        return Listing(
            [
                SqlTable(
                    name=f"{each.of.slug}{kind}",
                    summary=views.SUMMARIES[kind],
                    columns=columns[f"{each.of.slug}{kind}"],
                    tables=read,
                )
                for each in opened
                for kind, read in each.kinds().items()
            ]
        )

"""A lake as flows leave it, and processes that query it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from api.sql.errors import SqlTimeout
from api.sql.messages import Engine, Format, Query, Rows, Setup, SqlAnswer
from api.sql.offer import setup
from api.sql.pool import Pool
from flows.learning.learner import Learner
from flows.projects import fraud
from flows.projects.spec import Label, Project
from flows.settings import Settings
from flows.streaming.learn import learn
from flows.streaming.messages import Learned, Source
from tests.api_parts import until
from tests.examples import fraud_events
from tests.lake_rows import lake_at, write
from tests.polls import decoded

PROJECT = fraud.PROJECT
EVENTS = 60
"""The first 20 carry their label; of the next 20 it came later; of the last 20 it never did."""


def told(number: int) -> int:
    """The label that came later."""
    return number % 2


def epochs() -> list[Learned]:
    """What a flow would write: two polls of events, and one of labels."""
    learner = Learner.fresh(PROJECT, lineage=7)
    events = fraud_events(EVENTS)
    later = [msgspec.structs.replace(event, is_fraud=None) for event in events[20:]]
    labels = [
        Label(event.transaction_id, told(number), datetime(2026, 1, 2, tzinfo=UTC))
        for number, event in enumerate(events[20:40], 20)
    ]
    source = Source(PROJECT.topic, 0)
    return [
        learn(learner, decoded(source, events[:20])),
        learn(learner, decoded(source, later, first=20)),
        learn(learner, decoded(Source(PROJECT.labels_topic, 0), labels)),
    ]


def fill(folder: Path) -> Settings:
    """Make a lake of one file an epoch."""
    settings = lake_at(folder)
    for epoch in epochs():
        write(settings, epoch)
    return settings


def limits(settings: Settings, **changes: Any) -> Setup:
    """What a process is told, with other limits."""
    return msgspec.structs.replace(setup(settings, {PROJECT.slug: PROJECT}), **changes)


@contextmanager
def pool(given: Setup, size: int = 1, waiting: int = 0) -> Iterator[Pool]:
    """Processes that end with the test."""
    made = Pool(given, size, waiting)
    try:
        yield made
    finally:
        made.stop()


def ask(
    pool: Pool, text: str, engine: Engine = "duckdb", limit: int = 100, form: Format = "json"
) -> Rows:
    """The answer of a query as it is sent."""
    reply = pool.ask(Query(text=text, engine=engine, limit=limit, format=form))
    assert isinstance(reply, Rows)
    return reply


def answer(pool: Pool, text: str, engine: Engine = "duckdb", limit: int = 100) -> SqlAnswer:
    """The answer of a query, decoded."""
    return msgspec.json.decode(ask(pool, text, engine, limit).body, type=SqlAnswer)


def values(pool: Pool, text: str, engine: Engine = "duckdb", limit: int = 100) -> list[list[Any]]:
    """The rows of a query."""
    return answer(pool, text, engine, limit).rows


def in_time(pool: Pool, text: str, engine: Engine = "duckdb") -> list[list[Any]]:
    """The rows of a small query, asked again where a busy machine took longer than its limit."""
    found: list[list[list[Any]]] = []

    def is_answered() -> bool:
        with suppress(SqlTimeout):
            found.append(values(pool, text, engine))
        return bool(found)

    until(is_answered, "an answer in time")
    return found[0]


def of(project: Project, **changes: Any) -> Setup:
    """Limits for a lake of one project."""
    settings = Settings(_env_file=None, **changes)
    return setup(settings, {project.slug: project})

"""`python -m scripts.bench_sql`: how long queries take over a large lake, and when runaways end.

A learner makes a few thousand rows of a generated stream; they are repeated with other ids, times
and offsets until the lake has as many as were asked for. Queries go the way of the API's, to a
process of their own that runs already.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast, get_args

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from api.sql.errors import SqlTimeout
from api.sql.messages import Engine, Query, Rows
from api.sql.offer import setup
from api.sql.pool import Pool
from flows import projects
from flows.learning.learner import Learner
from flows.projects.spec import Label, Project
from flows.settings import Settings
from flows.stores.lake import PARTITION, LakeTable
from flows.streaming.learn import learn
from flows.streaming.messages import Decoded, Learned, Message, Source
from flows.streaming.rows import EventRows, OutcomeRows
from scripts import streams

LEARNT = 4_000
FILE_ROWS = 100_000
LABEL_SECONDS = 60.0
SOURCE = "bench"
TRIES = 10
PATIENCE_SECONDS = 120.0
ENDLESS = "WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM r) SELECT max(a) FROM r"
RUNAWAYS: dict[Engine, list[str]] = {
    "duckdb": [
        ENDLESS,
        "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b",
        "SELECT count(*) FROM range(100000000000) WHERE hash(range) = 1",
    ],
    "polars": [
        ENDLESS,
        "SELECT sum(a.{offset} * b.{offset}) AS s FROM {view}_events a CROSS JOIN {view}_events b",
        "SELECT count(*) AS n FROM {view} a JOIN {view} b ON a.date = b.date",
    ],
}

Figures = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print one JSON object."""
    options = _options(arguments)
    project = projects.get(options.project)
    with TemporaryDirectory(prefix="bench-sql-") as folder:
        settings = Settings(_env_file=None, lake_uri=str(Path(folder) / "lake"))
        fill(settings, project, options.rows, options.labels == "late")
        with _pool(settings, project, PATIENCE_SECONDS) as pool:
            figures = measure(pool, project, options)
        if options.runaways:
            with _pool(settings, project, options.limit) as pool:
                figures["runaways"] = runaways(pool, project, options.limit)
    sys.stdout.write(json.dumps(figures, indent=None if options.json else 2) + "\n")
    return 0


@contextmanager
def _pool(settings: Settings, project: Project, seconds: float) -> Iterator[Pool]:
    limited = settings.model_copy(update={"sql_seconds": seconds})
    pool = Pool(setup(limited, {project.slug: project}), 1, 0)
    try:
        yield pool
    finally:
        pool.stop()


def _options(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m scripts.bench_sql", description=__doc__)
    parser.add_argument("project", nargs="?", default="fraud", help="which project (fraud)")
    parser.add_argument("--rows", type=int, default=1_200_000, help="of events (1200000)")
    parser.add_argument("--labels", choices=("carried", "late"), default="carried")
    parser.add_argument("--times", type=int, default=5, help="that each query is asked (5)")
    parser.add_argument("--limit", type=float, default=5.0, help="seconds of a runaway (5)")
    parser.add_argument("--runaways", action="store_true", help="also queries that never end")
    parser.add_argument("--json", action="store_true", help="one line instead of one per figure")
    return parser.parse_args(arguments)


def fill(settings: Settings, project: Project, rows: int, late: bool) -> None:
    """Make both tables, in files of FILE_ROWS rows."""
    polls = _learnt(project, min(LEARNT, rows), late)
    copies = max(1, rows // len(polls[0].events))
    events, outcomes = EventRows(project), OutcomeRows(project)
    told = [events.table(one, one.events) for one in polls if one.events]
    name, ids, time = project.topic, project.event_id, project.time
    _write(LakeTable(settings, name, events.schema), told, copies, (ids, time))
    told = [outcomes.table(one, one.outcomes) for one in polls if one.outcomes]
    table = LakeTable(settings, f"{name}_outcomes", outcomes.schema)
    _write(table, told, copies, ("event_id", "kafka_time"))


def _write(lake: LakeTable, tables: list[pa.Table], copies: int, columns: tuple[str, str]) -> None:
    """Repeat rows with other ids and later times, which are in `columns`."""
    if not tables:
        lake.watermark(SOURCE)  # a flow makes the table as well
        return
    table = pa.concat_tables(tables)
    each = max(1, FILE_ROWS // table.num_rows)
    for first in range(0, copies, each):
        numbers = range(first, min(first + each, copies))
        staged = lake.stage(pa.concat_tables([_copy(table, n, *columns) for n in numbers]))
        lake.commit(staged, {SOURCE: first - 1}, {SOURCE: numbers[-1]})


def _learnt(project: Project, count: int, late: bool) -> list[Learned]:
    """What a flow would write: events, and labels of their own if they are late."""
    profile = streams.default_profile(project.slug)
    found = streams.events(project.slug, profile=profile, seed=0, count=count)
    events = [msgspec.convert(values, project.event) for values in found]
    learner = Learner.fresh(project, lineage=1)
    times = [getattr(event, project.time).timestamp() for event in events]
    if not late or project.label is None:
        return [learn(learner, _decoded(Source(project.topic, 0), events, times))]
    bare = [msgspec.structs.replace(event, **{project.label: None}) for event in events]
    labels = [
        Label(getattr(event, project.event_id), getattr(event, project.label), at)
        for event in events
        if (at := getattr(event, project.time)) and getattr(event, project.label) is not None
    ]
    later = [one.timestamp.timestamp() + LABEL_SECONDS for one in labels]
    return [
        learn(learner, _decoded(Source(project.topic, 0), bare, times)),
        learn(learner, _decoded(Source(project.labels_topic, 0), labels, later)),
    ]


def _decoded(source: Source, values: Sequence[Any], times: Sequence[float]) -> Decoded:
    accepted = [
        (Message(number, at, None, None), value)
        for number, (value, at) in enumerate(zip(values, times, strict=True))
    ]
    return Decoded(source, "bench", accepted, [], None)


def _copy(table: pa.Table, number: int, id_column: str, time_column: str) -> pa.Table:
    """The same rows as if they had come later, of other events."""
    times = table[time_column]
    span = pc.subtract(pc.max(times), pc.min(times)).as_py() * number
    moved = {name: pc.add(table[name], pa.scalar(span)) for name in {time_column, "kafka_time"}}
    changed = {
        id_column: pc.binary_join_element_wise(table[id_column], str(number), "-"),
        "kafka_offset": pc.add(table["kafka_offset"], number * table.num_rows),
        **{name: value.cast(table.schema.field(name).type) for name, value in moved.items()},
    }
    changed[PARTITION] = changed["kafka_time"].cast(pa.date32())
    columns = [changed.get(name, table[name]) for name in table.column_names]
    return pa.table(columns, schema=table.schema)


def measure(pool: Pool, project: Project, options: Namespace) -> Figures:
    """Milliseconds of the newest 100 and of the project's own texts."""
    newest = f"SELECT * FROM {project.slug} ORDER BY {project.time} DESC LIMIT 100"  # noqa: S608
    texts = {"Newest 100": newest} | {query.title: query.sql for query in project.queries}
    count = f"SELECT count(*) AS n FROM {project.slug}"  # noqa: S608
    (found,) = msgspec.json.decode(_ask(pool, count, "duckdb"))["rows"]
    figures: Figures = {"rows": found[0], "labels": options.labels}
    for engine in get_args(Engine):
        figures[engine] = {
            title: _times(lambda text=text, by=engine: _ask(pool, text, by), options.times)  # type: ignore[misc]
            for title, text in texts.items()
        }
    return figures


def runaways(pool: Pool, project: Project, limit: float) -> Figures:
    """By how many times their limit runaways had been stopped, by engine."""
    return {
        engine: [_stopped_at(pool, _named(text, project), engine, limit) for text in texts]
        for engine, texts in RUNAWAYS.items()
    }


def _named(text: str, project: Project) -> str:
    return text.replace("{view}", project.slug).replace("{offset}", "kafka_offset")


def _ask(pool: Pool, text: str, engine: Engine) -> bytes:
    reply = pool.ask(Query(text=text, engine=engine, limit=100, format="json"))
    return cast(Rows, reply).body


def _times(ask: Callable[[], object], times: int) -> Figures:
    ask()
    took = []
    for _ in range(times):
        began = time.perf_counter()
        ask()
        took.append(round((time.perf_counter() - began) * 1000, 1))
    return {"median": statistics.median(took), "longest": max(took)}


def _stopped_at(pool: Pool, text: str, engine: Engine, limit: float) -> float | None:
    """By how many times its limit a runaway had been stopped; None when it came to an end.

    Raises SqlError when the next query is not answered.
    """
    _ask_anew(pool, engine)
    began, stopped = time.perf_counter(), None
    try:
        _ask(pool, text, engine)
    except SqlTimeout:
        stopped = (time.perf_counter() - began) / limit
    _ask_anew(pool, engine)
    return None if stopped is None else round(stopped, 3)


def _ask_anew(pool: Pool, engine: Engine) -> None:
    """Ask what is answered at once, again where the machine is too busy for that."""
    for again in reversed(range(TRIES)):
        try:
            _ask(pool, "SELECT 1 AS one", engine)
            return
        except SqlTimeout:
            if not again:
                raise


if __name__ == "__main__":
    sys.exit(main())

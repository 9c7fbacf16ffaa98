"""The newest labelled events of the lake, read from as few of its files as hold them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.fs import DeltaStorageHandler
from pyarrow.fs import PyFileSystem

from flows.errors import StoreError
from flows.projects.spec import Project
from flows.settings import Settings

# Labels may be late: their events are looked for in so many of the newest rows, and no further.
MOST_ROWS = 200_000
PLACE = ("kafka_topic", "kafka_partition", "kafka_offset", "kafka_time")
OUTCOME = ("event_id", "status", "label")


class Labelled(msgspec.Struct, frozen=True):
    """An event with its label, and the message that taught it. `time`: seconds since 1970."""

    event: Any
    label: Any
    time: float
    log: str
    offset: int


def newest_labelled(project: Project, settings: Settings, shard: int, count: int) -> list[Labelled]:
    """Read up to `count` events of a shard, those learnt last, oldest first.

    A project without labels has all its events. Raises StoreError when the lake fails.
    """
    try:
        if project.label is None:
            rows = _events(project, settings, shard, count)
            return [_labelled(project, row, None, row) for row in rows]
        return _matched(project, settings, shard, count)
    except TableNotFoundError:
        return []
    except (DeltaError, OSError) as error:
        raise StoreError(
            f"the lake at {settings.lake_uri} failed to tell the newest events: {error}"
        ) from error


def _matched(project: Project, settings: Settings, shard: int, count: int) -> list[Labelled]:
    matched = (pc.field("kafka_partition") == shard) & (pc.field("status") == "matched")
    table = _open(settings, f"{project.topic}_outcomes")
    outcomes = _newest(_rows(table, settings, (*OUTCOME, *PLACE), matched), count)
    ids = [row["event_id"] for row in outcomes]
    events = _events(project, settings, shard, len(ids), ids)
    known: dict[str, Any] = {}
    for row in events:
        # What comes a second time was not predicted.
        known.setdefault(row[project.event_id], row)
    return [
        _labelled(project, known[row["event_id"]], row["label"], row)
        for row in outcomes
        if row["event_id"] in known
    ]


def _events(
    project: Project, settings: Settings, shard: int, count: int, ids: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    wanted = pc.field("kafka_partition") == shard
    if ids is not None:
        wanted &= pc.field(project.event_id).isin(pa.array(ids, pa.string()))
    fields = [one.encode_name for one in msgspec.structs.fields(project.event)]
    table = _open(settings, project.topic)
    return _newest(_rows(table, settings, (*fields, *PLACE), wanted), count)


def _newest(tables: Iterator[pa.Table], count: int) -> list[dict[str, Any]]:
    """The newest rows by their messages, oldest first."""
    found: list[pa.Table] = []
    for table in tables:
        found.append(table)
        if sum(len(one) for one in found) >= count:
            break
    if not found or not count:
        return []
    order = [("kafka_time", "ascending"), ("kafka_offset", "ascending")]
    rows: list[dict[str, Any]] = pa.concat_tables(found).sort_by(order).to_pylist()
    return rows[-count:]


def _rows(
    table: DeltaTable, settings: Settings, names: Sequence[str], wanted: pc.Expression
) -> Iterator[pa.Table]:
    """The wanted rows, file by file from the newest on, as long as MOST_ROWS are not passed."""
    files = PyFileSystem(DeltaStorageHandler(table.table_uri, settings.storage_options or None))
    passed = 0
    for path, count in _newest_files(table):
        if passed >= MOST_ROWS:
            return
        passed += count
        yield pq.read_table(path, columns=list(names), filters=wanted, filesystem=files)


def _newest_files(table: DeltaTable) -> list[tuple[str, int]]:
    """Paths and row counts; a file without bounds of its messages' times goes by its day."""
    actions: list[dict[str, Any]] = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    actions.sort(
        key=lambda one: str(one.get("max.kafka_time") or one.get("partition.date")), reverse=True
    )
    return [(one["path"], one["num_records"] or 0) for one in actions]


def _labelled(project: Project, row: dict[str, Any], label: Any, cause: dict[str, Any]) -> Labelled:
    names = [one.encode_name for one in msgspec.structs.fields(project.event)]
    event = msgspec.convert({name: row[name] for name in names}, project.event, strict=False)
    label = label if label is None else project.task.check_label(label)
    log = f"{cause['kafka_topic']}/{cause['kafka_partition']}"
    return Labelled(event, label, row["kafka_time"].timestamp(), log, cause["kafka_offset"])


def _open(settings: Settings, name: str) -> DeltaTable:
    options = settings.storage_options or None
    return DeltaTable(settings.table_uri(name), storage_options=options)

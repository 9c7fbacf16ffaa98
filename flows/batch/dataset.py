"""The lake's labelled events, in the order in which they were learnt, as the inputs of a model.

Inputs are made by the project itself, from events replayed through a fresh past, so that a model
that is trained at once sees what one that learns has seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from flows.batch.columns import TableBuilder
from flows.batch.order import Order, Progress
from flows.batch.table import Table
from flows.errors import ProjectError, StoreError
from flows.learning.past import Past
from flows.projects.spec import Project
from flows.settings import Settings

CHUNK = 10_000
EXAMPLES = 3
LABEL = "_label"
ORDER = ("kafka_time", "kafka_partition", "kafka_offset")

Versions = dict[str, int]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A table and where it is from: versions of Delta tables, and what the past remembers."""

    table: Table
    versions: Versions
    past: Past | None = None
    example: list[dict[str, Any]] = field(default_factory=list)


def load(
    project: Project,
    settings: Settings,
    order: Order,
    progress: Progress,
    versions: Versions | None = None,
) -> Dataset:
    """Read what was ordered, from the newest versions of the tables or from those given.

    Raises StoreError when the lake fails or has no table.
    """
    progress(0.0, "reading the lake")
    opened = {
        name: _open(settings, name, None if versions is None else versions.get(name))
        for name in _tables(project)
    }
    try:
        rows = _chosen(project, opened, order)
    except (DeltaError, OSError, pl.exceptions.PolarsError) as error:
        raise StoreError(f"the lake at {settings.lake_uri} failed to be read: {error}") from error
    return _replayed(project, rows, {name: one.version() for name, one in opened.items()}, progress)


def _tables(project: Project) -> list[str]:
    outcomes = [] if project.label is None else [f"{project.topic}_outcomes"]
    return [project.topic, *outcomes]


def _open(settings: Settings, name: str, version: int | None) -> DeltaTable:
    uri, options = settings.table_uri(name), settings.storage_options or None
    try:
        return DeltaTable(uri, version=version, storage_options=options)
    except TableNotFoundError as error:
        raise StoreError(f"there is no table {uri}; start a flow that makes it") from error
    except (DeltaError, OSError) as error:
        told = "" if version is None else f" as of version {version}"
        raise StoreError(
            f"the lake failed to open {uri}{told}: {error};"
            " check REALTIME_LAKE_URI and REALTIME_LAKE_OPTIONS"
        ) from error


def _chosen(project: Project, opened: dict[str, DeltaTable], order: Order) -> pl.DataFrame:
    """Events with their labels, oldest first; those without one are there for the past's sake."""
    events = _labelled(project, opened)
    since = order.since
    if order.rows is not None:
        newest = _since_newest(project, events, order.rows)
        since = newest if since is None or (newest is not None and newest > since) else since
    if since is not None:
        events = events.filter(pl.col(project.time) >= since)
    fields = [one.encode_name for one in msgspec.structs.fields(project.event)]
    found = events.select(*fields, *ORDER, LABEL).sort(ORDER).collect(engine="streaming")
    return found.unique(project.event_id, keep="first", maintain_order=True)


def _labelled(project: Project, opened: dict[str, DeltaTable]) -> pl.LazyFrame:
    """All events; the label is the one that an event carries, or the one that came for it."""
    events = pl.scan_delta(opened[project.topic])
    if project.label is None:
        return events.with_columns(pl.lit(None).alias(LABEL))
    outcomes = pl.scan_delta(opened[f"{project.topic}_outcomes"])
    told = outcomes.filter(pl.col("status") == "matched").select(
        pl.col("event_id").alias(project.event_id), pl.col("label").alias(LABEL)
    )
    kind = told.collect_schema()[LABEL]
    known = told.unique(project.event_id)
    joined = events.join(known, on=project.event_id, how="left")
    return joined.with_columns(pl.coalesce(pl.col(project.label).cast(kind), LABEL).alias(LABEL))


def _since_newest(project: Project, events: pl.LazyFrame, count: int) -> datetime | None:
    """When the newest so many labelled events begin; only times are held."""
    wanted = events if project.label is None else events.filter(pl.col(LABEL).is_not_null())
    times = wanted.select(project.time).top_k(count, by=project.time)
    found: datetime | None = times.min().collect(engine="streaming").item()
    return found


def _replayed(
    project: Project, rows: pl.DataFrame, versions: Versions, progress: Progress
) -> Dataset:
    """Let each shard's events pass by its own past; the one kept is the last event's."""
    builder, pasts = TableBuilder(), dict[int, Past]()
    past: Past | None = None
    for number, chunk in enumerate(rows.iter_slices(CHUNK)):
        progress(number * CHUNK / rows.height, "replaying events")
        past = _take(project, chunk, builder, pasts) or past
    table = builder.table()
    _check_inputs(project, table)
    return Dataset(table, versions, past, _example(project, rows.tail(EXAMPLES)))


def _example(project: Project, rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Events as in their JSON, without what nobody knows of them yet."""
    asked = rows.drop(*ORDER, LABEL, *project.hidden).to_dicts()
    return [msgspec.to_builtins(one) for one in asked]


def _take(
    project: Project, chunk: pl.DataFrame, builder: TableBuilder, pasts: dict[int, Past]
) -> Past | None:
    values = chunk.drop(*ORDER, LABEL).to_dicts()
    events = msgspec.convert(values, list[project.event], strict=False)  # type: ignore[name-defined]
    inputs, labels, times, keys = [], [], [], []
    past: Past | None = None
    for event, label, shard in zip(events, chunk[LABEL], chunk[ORDER[1]], strict=True):
        if project.past is not None:
            past = pasts.get(shard) or pasts.setdefault(shard, project.past())
        found = project.inputs(event, past)
        if past is not None:
            past.note(event)
        if label is None and project.label is not None:
            continue
        inputs.append(found)
        labels.append(project.task.check_label(label))
        times.append(getattr(event, project.time).timestamp())
        keys.append(project.key(event))
    builder.add(inputs, labels, times, keys)
    return past


def _check_inputs(project: Project, table: Table) -> None:
    known = {one.name for one in table.columns}
    if taken := known & {*project.forbidden_inputs, *project.unknown}:
        raise ProjectError(
            f"{project.slug}: its features have {', '.join(sorted(taken))}, which no model may see;"
            " take them out of them"
        )

"""Queries in Polars, which has neither a sandbox nor limits of its own.

What it is given to parse was read and put in plain spelling before, the process can open nothing
but the lake, and who started the process ends it when it takes too long or grows too large.
"""

from __future__ import annotations

import polars as pl

from api.sql.duck import Found
from api.sql.errors import SqlError
from api.sql.lake import Snapshot
from api.sql.messages import Setup, SqlColumn
from api.sql.reading import Reading
from api.sql.views import (
    ERROR,
    KNOWN,
    LABEL_STATUS,
    LABELS,
    PREDICTED,
    FirstRows,
    Tables,
    files_of,
    first_rows,
)
from flows.stores.lake import PARTITION


def run(setup: Setup, opened: list[Tables], reading: Reading, limit: int) -> Found:
    """Run a query. Raises SqlError."""
    local = "://" not in setup.lake
    wanted = None if reading.explain else reading.newest
    try:
        frames = {
            name: frame
            for each in opened
            for name, frame in _Frames(each, local, first_rows(each, wanted, limit + 1))
            .all()
            .items()
        }
        with pl.SQLContext(frames=frames, eager=False) as context:
            found = context.execute(reading.text).head(limit + 1).collect(engine="streaming")
    except pl.exceptions.PolarsError as error:
        raise SqlError(str(error).partition("\n\n")[0]) from None
    except pl.exceptions.PanicException as error:
        raise SqlError(f"Polars cannot run this: {error}") from None
    columns = [SqlColumn(name, str(kind)) for name, kind in found.schema.items()]
    return Found(columns, found.to_arrow(compat_level=pl.CompatLevel.oldest()))


class _Frames:
    """The views of one project, as lazy frames."""

    def __init__(self, opened: Tables, local: bool, first: FirstRows | None) -> None:
        self._first = first
        self._of = opened.of
        self._events = opened.events
        self._outcomes = opened.outcomes
        self._local = local

    def all(self) -> dict[str, pl.LazyFrame]:
        """Every view there can be, by name."""
        events = self._scan(self._events, self._events.paths)
        frames = {"": self._whole(), "_events": events, "_predictions": self._predictions(events)}
        if self._outcomes is not None:
            outcomes = self._scan(self._outcomes, self._outcomes.paths)
            labels = outcomes.filter(pl.col("label").is_not_null()).select(LABELS)
            frames |= {"_outcomes": outcomes, "_labels": labels}
        return {f"{self._of.slug}{kind}": frame for kind, frame in frames.items()}

    def _whole(self) -> pl.LazyFrame:
        """Only files that hold events without a label are joined with outcomes."""
        files, label = files_of(self._events, self._first), self._of.label
        if label is None:
            return self._few([file.path for file in files])
        lacking = [file.path for file in files if file.may_lack]
        carried = self._few([file.path for file in files if not file.may_lack])
        whole = carried.with_columns(pl.lit("carried").alias(LABEL_STATUS))
        if not lacking:
            return whole
        return pl.concat([whole, self._joined(self._few(lacking), label)])

    def _few(self, paths: list[str]) -> pl.LazyFrame:
        """The events that can be in the answer."""
        scan = self._scan(self._events, paths)
        if self._first is None:
            return scan
        if self._first.orders:
            columns, down = zip(*self._first.orders, strict=True)
            scan = scan.sort(columns, descending=down)
        return scan.head(self._first.count)

    def _joined(self, events: pl.LazyFrame, label: str) -> pl.LazyFrame:
        status = pl.when(pl.col(label).is_not_null()).then(pl.lit("carried"))
        if self._outcomes is None:
            return events.with_columns(status.alias(LABEL_STATUS))
        kind = self._scan(self._events, []).collect_schema()[label]
        known = self._scan(self._outcomes, self._outcomes.paths)
        if self._first is not None:
            events = events.collect(engine="streaming").lazy()
            known = known.filter(pl.col("event_id").is_in(self._ids(events)))
        known = known.filter(pl.col("status").is_in(KNOWN)).select(
            pl.col("event_id").alias(self._of.event_id),
            pl.col("label").cast(kind, strict=False).alias("known label"),
            pl.col("error").alias("known error"),
            pl.col("status").alias("known status"),
        )
        joined = events.join(known, on=self._of.event_id, how="left")
        return joined.with_columns(
            pl.coalesce(label, "known label").alias(label),
            pl.coalesce(ERROR, "known error").alias(ERROR),
            status.otherwise(pl.col("known status")).alias(LABEL_STATUS),
        ).drop("known label", "known error", "known status")

    def _ids(self, events: pl.LazyFrame) -> list[str]:
        found: list[str] = events.select(self._of.event_id).collect()[self._of.event_id].to_list()
        return found

    def _predictions(self, events: pl.LazyFrame) -> pl.LazyFrame:
        made = [name for name in self._events.schema.names if name.startswith("prediction_")]
        columns = [self._of.event_id, self._of.time, *made, *PREDICTED, PARTITION]
        held = pl.any_horizontal(pl.col(made).is_not_null()) if made else pl.lit(True)
        return events.filter(held).select(columns)

    def _scan(self, snapshot: Snapshot, paths: list[str]) -> pl.LazyFrame:
        names = snapshot.schema.names
        if not paths:
            return pl.LazyFrame(pl.from_arrow(snapshot.schema.empty_table())).select(names)
        if not self._local:
            return pl.scan_pyarrow_dataset(snapshot.dataset(paths)).select(names)
        days = {PARTITION: pl.Date}
        return pl.scan_parquet(paths, hive_partitioning=True, hive_schema=days).select(names)

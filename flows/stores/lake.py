"""Delta tables that take every row once, whatever is sent twice.

Each commit carries, per Kafka partition, the highest offset in it as an application transaction.
delta-rs records those and checks nothing (delta-io/delta-rs#3821), so writers must ask for the
watermark and leave out what is at or below it.

Rows are staged as Parquet files first and committed later: a file that no commit names is not part
of the table, and vacuum removes it.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.fs import DeltaStorageHandler
from deltalake.transaction import AddAction
from pyarrow.fs import PyFileSystem

from flows.errors import ConflictError, ProjectError, StoreError
from flows.settings import Settings

PARTITION = "date"
BOUND_LENGTH = 32
LAST_CHARACTER = "\U0010ffff"

_log = logging.getLogger("flows")


class LakeTable:
    """One append-only table, partitioned by day.

    Raises StoreError when the lake fails, and ProjectError when the table has other columns.
    """

    def __init__(self, settings: Settings, name: str, schema: pa.Schema) -> None:
        self.name = name
        self.uri = settings.table_uri(name)
        self._schema = schema
        self._options = settings.storage_options or None
        self._table: DeltaTable | None = None

    def watermark(self, source: str) -> int:
        """The highest offset of a source that the table holds; -1 when it holds none."""
        with self._failures("read the transactions"):
            version = self._open().transaction_version(source)
        return -1 if version is None else version

    def stage(self, rows: pa.Table) -> list[AddAction]:
        """Write rows to new files, one per day, that become part of the table when committed."""
        with self._failures("stage rows"):
            self._open()
            files = PyFileSystem(DeltaStorageHandler(self.uri, self._options))
            return [
                _write(files, day, rows.filter(pc.equal(rows[PARTITION], day)))
                for day in pc.unique(rows[PARTITION])
            ]

    def commit(
        self, staged: Sequence[AddAction], known: Mapping[str, int], reached: Mapping[str, int]
    ) -> None:
        """Make staged files part of the table and move its watermarks from `known` to `reached`.

        Repeating a commit whose answer was lost changes nothing. Raises ConflictError when the
        watermarks are neither: another writer has been there.
        """
        held = {source: self.watermark(source) for source in reached}
        if held == reached:
            return
        if any(held[source] != known[source] for source in reached):
            raise ConflictError(
                f"{self.uri} holds offsets {held}, this flow left it at {dict(known)}:"
                " another flow writes to it; stop one of them, then start this one again"
            )
        transactions = [Transaction(source, offset) for source, offset in reached.items()]
        with self._failures("commit rows"):
            table = self._open()
            table.create_write_transaction(
                list(staged),
                "append",
                self._schema,
                partition_by=[PARTITION],
                commit_properties=CommitProperties(app_transactions=transactions),
            )
            table.update_incremental()

    def _open(self) -> DeltaTable:
        if self._table is None:
            table = self._load()
            self._check(pa.schema(table.schema()))
            self._table = table
        return self._table

    def _check(self, held: pa.Schema) -> None:
        """Refuse a table of other columns: delta-rs would take rows whose columns nobody reads."""
        ours, theirs = set(self._schema), set(held)
        if ours != theirs:
            raise ProjectError(
                f"{self.uri} was made with other columns: it lacks {_names(ours - theirs)}, and has"
                f" {_names(theirs - ours)} beyond; move the table away, or set REALTIME_LAKE_URI"
            )

    def _load(self) -> DeltaTable:
        if "://" not in self.uri:
            Path(self.uri).mkdir(parents=True, exist_ok=True)
        try:
            return self._found()
        except TableNotFoundError:
            return self._made()

    def _found(self) -> DeltaTable:
        return DeltaTable(self.uri, storage_options=self._options)

    def _made(self) -> DeltaTable:
        """A new table; or that of another shard, which was first.

        Without retries: one would lay its definition over the other's, whose commits would fail.
        """
        _log.info("making the table %s", self.uri)
        try:
            return DeltaTable.create(
                self.uri,
                self._schema,
                partition_by=[PARTITION],
                storage_options=self._options,
                commit_properties=CommitProperties(max_commit_retries=0),
            )
        except DeltaError:
            if not DeltaTable.is_deltatable(self.uri, self._options):
                raise
            return self._found()

    @contextmanager
    def _failures(self, attempt: str) -> Iterator[None]:
        """Forget the handle on failure: the next try must see the table as it is."""
        try:
            yield
        except (DeltaError, OSError) as error:
            self._table = None
            raise StoreError(
                f"the lake failed to {attempt} of {self.uri}: {error};"
                " check REALTIME_LAKE_URI and REALTIME_LAKE_OPTIONS"
            ) from error


def _names(columns: Collection[pa.Field]) -> str:
    return ", ".join(sorted(f"{one.name} ({one.type})" for one in columns)) or "nothing"


def _write(files: PyFileSystem, day: pa.Scalar, rows: pa.Table) -> AddAction:
    value = None if day.as_py() is None else day.as_py().isoformat()
    path = f"{PARTITION}={value}/part-{uuid.uuid4()}.zstd.parquet"
    data = rows.drop_columns([PARTITION])
    with files.open_output_stream(path) as out:
        pq.write_table(data, out, compression="zstd", compression_level=1, use_dictionary=False)
        size = out.tell()
    now = int(time.time() * 1000)
    return AddAction(path, size, {PARTITION: value}, now, True, _statistics(data))


def _statistics(rows: pa.Table) -> str:
    """Bounds and nulls of every column of a file, by which readers pass it over.

    Of every one: delta-rs takes a column without bounds for one that matches nothing.
    """
    least: dict[str, Any] = {}
    most: dict[str, Any] = {}
    nulls: dict[str, Any] = {}
    for name in rows.column_names:
        least[name], most[name], nulls[name] = _bounds(rows[name].combine_chunks())
    statistics = {"minValues": _known(least), "maxValues": _known(most), "nullCount": nulls}
    return json.dumps({"numRecords": rows.num_rows, **statistics})


def _bounds(column: pa.Array) -> tuple[Any, Any, Any]:
    """Least and greatest value and the count of nulls; of a struct, by field."""
    if pa.types.is_struct(column.type):
        fields = [_bounds(field) for field in column.flatten()]
        names = [field.name for field in column.type]
        least, most, nulls = (
            dict(zip(names, found, strict=True)) for found in zip(*fields, strict=True)
        )
        return least, most, nulls
    least, most = pc.min_max(column).as_py().values()
    return _lower(least), _upper(most), column.null_count


def _lower(value: Any) -> Any:
    if isinstance(value, datetime):
        return _iso(value)
    return value[:BOUND_LENGTH] if isinstance(value, str) else value


def _upper(value: Any) -> Any:
    """Times have milliseconds and texts a length: a bound that is cut must not fall below."""
    if isinstance(value, datetime):
        return _iso(value + timedelta(microseconds=999))
    if isinstance(value, str) and len(value) > BOUND_LENGTH:
        return value[:BOUND_LENGTH] + LAST_CHARACTER
    return value


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _known(bounds: dict[str, Any]) -> dict[str, Any]:
    """Without the columns, and fields of columns, that hold nothing but nulls."""
    kept = {
        name: _known(value) if isinstance(value, dict) else value for name, value in bounds.items()
    }
    return {name: value for name, value in kept.items() if value not in (None, {})}

"""The lake's tables as they are now: which files, newest first, and what is known of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from api.sql.messages import TableVersion
from flows.errors import StoreError

_NEVER = datetime.min.replace(tzinfo=UTC)

READABLE = {"timestampNtz"}
"""Features of tables that reading their Parquet files alone does not get wrong."""


@dataclass(frozen=True, slots=True)
class File:
    """A file by its path within the lake, and what is known of its rows: how many they are, between
    which times, and whether they may lack a value of the column that matters."""

    path: str
    rows: int
    first: datetime | None
    last: datetime | None
    may_lack: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version of a table. `files`: the newest rows first; `dataset` makes an Arrow dataset of
    some of the paths."""

    version: TableVersion
    schema: pa.Schema
    files: list[File]
    dataset: Callable[[list[str]], Any]

    @property
    def paths(self) -> list[str]:
        """Every file."""
        return [file.path for file in self.files]

    def newest(self, count: int) -> list[File]:
        """The files in which the newest rows are, by their bounds."""
        known = [file for file in self.files if file.first is not None and file.last is not None]
        known.sort(key=lambda file: file.first or _NEVER, reverse=True)
        passed = 0
        for enough in known:
            passed += enough.rows
            if passed >= count:
                since = enough.first or _NEVER
                return [file for file in self.files if file.last is None or file.last >= since]
        return self.files


class Lake:
    """Opens tables, and keeps them open. Raises StoreError when the lake fails."""

    def __init__(self, root: str, options: dict[str, str]) -> None:
        self.root = root.rstrip("/")
        self.is_local = "://" not in root
        self._options = options or None
        self._tables: dict[str, DeltaTable] = {}
        self._snapshots: dict[str, Snapshot] = {}

    def snapshot(self, name: str, time: str, nullable: str | None = None) -> Snapshot | None:
        """The newest version of a table; None before a flow has made it.

        `time`: the column by which files are ordered; `nullable`: the column whose nulls matter.
        """
        try:
            table = self._open(name)
            held = self._snapshots.get(name)
            if held is None or held.version.version != table.version():
                held = self._snapshots[name] = self._read(name, table, time, nullable)
            return held
        except TableNotFoundError:
            self._forget(name)
            return None
        except (DeltaError, OSError) as error:
            self._forget(name)
            raise StoreError(
                f"the lake failed to open {name}: {error};"
                " check REALTIME_LAKE_URI and REALTIME_LAKE_OPTIONS"
            ) from error

    def _open(self, name: str) -> DeltaTable:
        uri = f"{self.root}/{name}"
        if self.is_local and not (Path(uri) / "_delta_log").is_dir():
            raise TableNotFoundError(name)
        if name not in self._tables:
            self._tables[name] = DeltaTable(uri, storage_options=self._options)
        else:
            self._tables[name].update_incremental()
        return self._tables[name]

    def _forget(self, name: str) -> None:
        self._tables.pop(name, None)
        self._snapshots.pop(name, None)

    def _read(self, name: str, table: DeltaTable, time: str, nullable: str | None) -> Snapshot:
        unreadable = set(table.protocol().reader_features or ()) - READABLE
        if unreadable:
            raise StoreError(f"{name} has features that queries cannot read: {sorted(unreadable)}")
        version = TableVersion(name, table.version())
        files = _files(name, pa.table(table.get_add_actions(flatten=True)), time, nullable)
        return Snapshot(version, pa.schema(table.schema()), files, _datasets(name, table))


def _files(name: str, actions: pa.Table, time: str, nullable: str | None) -> list[File]:
    names = ("path", "num_records", f"min.{time}", f"max.{time}", f"null_count.{nullable}")
    columns = [_column(actions, name) for name in names]
    files = [
        File(f"{name}/{path}", rows or 0, first, last, lacking != 0)
        for path, rows, first, last, lacking in zip(*columns, strict=True)
    ]
    return sorted(files, key=lambda file: (file.last or _NEVER, file.path), reverse=True)


def _column(actions: pa.Table, name: str) -> list[Any]:
    known = name in actions.column_names
    return actions[name].to_pylist() if known else [None] * actions.num_rows


def _datasets(name: str, table: DeltaTable) -> Callable[[list[str]], Any]:
    """Datasets of one version, whose making takes long: made when the first is asked for."""
    whole: list[ds.FileSystemDataset] = []

    def make(paths: list[str]) -> Any:
        if not whole:
            whole.append(table.to_pyarrow_dataset())
        wanted = set(paths)
        fragments = [one for one in whole[0].get_fragments() if f"{name}/{one.path}" in wanted]
        return ds.FileSystemDataset(
            fragments, whole[0].schema, whole[0].format, whole[0].filesystem
        )

    return make

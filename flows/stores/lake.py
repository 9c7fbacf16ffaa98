"""Delta tables that take every row once, whatever is sent twice.

Each commit carries, per Kafka partition, the highest offset in it as an application transaction.
delta-rs records those and checks nothing (delta-io/delta-rs#3821), so writers must ask for the
watermark and leave out what is at or below it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from flows.errors import StoreError
from flows.settings import Settings

PARTITION = "date"

_log = logging.getLogger("flows")


class LakeTable:
    """One append-only table. Raises StoreError when the lake does not answer."""

    def __init__(self, settings: Settings, name: str, schema: pa.Schema) -> None:
        self.name = name
        self.uri = f"{settings.lake_uri.rstrip('/')}/{name}"
        self._schema = schema
        self._options = {
            key: value.get_secret_value() for key, value in settings.lake_options.items()
        }
        self._table: DeltaTable | None = None

    def watermark(self, source: str) -> int:
        """The highest offset of a source that the table holds; -1 when it holds none."""
        with self._failures("read the transactions"):
            version = self._open().transaction_version(source)
        return -1 if version is None else version

    def append(self, rows: pa.Table, watermarks: Mapping[str, int]) -> None:
        """Commit rows together with the watermarks that they reach."""
        transactions = [Transaction(source, offset) for source, offset in watermarks.items()]
        with self._failures("append rows"):
            write_deltalake(
                self._open(),
                rows,
                mode="append",
                commit_properties=CommitProperties(app_transactions=transactions),
            )

    def _open(self) -> DeltaTable:
        if self._table is None:
            self._table = self._load()
        return self._table

    def _load(self) -> DeltaTable:
        if "://" not in self.uri:
            Path(self.uri).mkdir(parents=True, exist_ok=True)
        try:
            return DeltaTable(self.uri, storage_options=self._options or None)
        except TableNotFoundError:
            _log.info("making the table %s", self.uri)
            return DeltaTable.create(
                self.uri,
                self._schema,
                mode="ignore",
                partition_by=[PARTITION],
                storage_options=self._options or None,
            )

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

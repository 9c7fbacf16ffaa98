"""What keeps Delta tables quick while flows write to them and readers read.

Small files become large ones (`compact`), the log gets a checkpoint and loses its expired entries,
and files that nothing can read any more are deleted, but none that was in use, or made, within the
retention: readers hold a version for a while, and flows stage files before they commit them.

Vacuum in its careful form deletes only files that a commit has removed and that the log still
knows. It leaves files of commits that never came, and removed ones that the log forgot between two
upkeeps. Its other form, `full`, deletes what no commit names and knows nothing of commits that come
while it works, so it is only asked for a list here: what then is old enough, and still in no
version, is deleted one by one.

Compactions by other programs are not held off: two at a time double rows, see `lake_lease`.
"""

from __future__ import annotations

import logging
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import pyarrow as pa
from deltalake import DeltaTable, WriterProperties
from deltalake.exceptions import DeltaError
from deltalake.fs import DeltaStorageHandler
from pyarrow.fs import FileType, PyFileSystem

from flows.errors import SettingsError, StoreError
from flows.projects.spec import Project
from flows.settings import Settings
from flows.stores.lake import PARTITION
from scripts.lake_lease import Lease

RETAIN_HOURS = 168
LEAST_HOURS = 24
TARGET_MB = 128
ATTEMPTS = 6
FIRST_PAUSE = 0.2

KEPT_REMOVALS = "delta.deletedFileRetentionDuration"

log = logging.getLogger("lake")

T = TypeVar("T")


def table_names(project: Project) -> tuple[str, str]:
    """The tables of a project: its events, and what became of their predictions."""
    return project.topic, f"{project.topic}_outcomes"


class Lake:
    """Opens the lake's tables. Raises StoreError when the lake fails."""

    def __init__(self, settings: Settings) -> None:
        self._root = settings.lake_uri
        self._uri = settings.table_uri
        self._options = settings.storage_options or None

    def has(self, name: str) -> bool:
        """Has a flow made this table?"""
        return DeltaTable.is_deltatable(self._uri(name), self._options)

    def open(self, name: str) -> DeltaTable:
        """The table as it is now."""
        return DeltaTable(self._uri(name), storage_options=self._options)

    def files(self, name: str) -> PyFileSystem:
        """The files of a table, by their paths within it."""
        return PyFileSystem(DeltaStorageHandler(self._uri(name), self._options))

    @contextmanager
    def failures(self, attempt: str) -> Iterator[None]:
        """Turn errors of the lake into a StoreError that says what was attempted."""
        try:
            yield
        except (DeltaError, OSError) as error:
            raise StoreError(
                f"the lake at {self._root} failed to {attempt}: {error};"
                " check REALTIME_LAKE_URI and REALTIME_LAKE_OPTIONS"
            ) from error


def describe(lake: Lake, name: str) -> dict[str, Any] | None:
    """What a table holds, and how far each log is in it; None before a flow has made it."""
    with lake.failures(f"read {name}"):
        if not lake.has(name):
            return None
        table = lake.open(name)
        return {
            "table": name,
            "version": table.version(),
            "rows": table.count(),
            **_sizes(table),
            "logs": _logs(table),
        }


class Upkeep:
    """One round of upkeep after the other; times in hours, sizes in MB.

    Raises SettingsError for a retention that would take files from readers or writers, or that
    the tables' logs do not remember long enough.
    """

    def __init__(
        self, lake: Lake, retain_hours: int = RETAIN_HOURS, target_mb: int = TARGET_MB
    ) -> None:
        if retain_hours < LEAST_HOURS:
            raise SettingsError(
                f"a retention of {retain_hours} h is too short: readers and flows may use files"
                f" for longer; give {LEAST_HOURS} h or more"
            )
        if target_mb < 1:
            raise SettingsError(f"files of {target_mb} MB cannot be made; give 1 or more")
        self._lake = lake
        self._hours = retain_hours
        self._target = target_mb * 1_000_000

    def maintain(self, name: str) -> dict[str, Any] | None:
        """Do all that is due for a table and tell what changed; None before a flow has made it.

        Raises ConflictError while another upkeep works on the table.
        """
        with self._lake.failures(f"maintain {name}"):
            if not self._lake.has(name):
                return None
            table = self._lake.open(name)
            self._check(table)
            started, version, before = time.monotonic(), table.version(), _sizes(table)
            done = self._work(name)
            table.update_incremental()
            after = _sizes(table)
            return {
                "table": name,
                "versions": [version, table.version()],
                **{key: [before[key], after[key]] for key in before},
                **done,
                "seconds": round(time.monotonic() - started, 3),
            }

    def _work(self, name: str) -> dict[str, int]:
        lease = Lease(lambda: self._lake.open(name))
        lease.renew()
        try:
            compacted = 0
            for day in _days(self._lake.open(name), self._target):
                compacted += self._repeat(name, partial(self._compact, day))
                lease.renew()
            self._repeat(name, _shorten_log)
            vacuumed = self._repeat(name, self._vacuum)
            orphans = self._remove_orphans(name)
        finally:
            lease.release()
        return {"compacted": compacted, "vacuumed": vacuumed, "orphans": orphans}

    def _check(self, table: DeltaTable) -> None:
        remembered = kept_hours(table.metadata().configuration.get(KEPT_REMOVALS))
        if self._hours > remembered:
            raise SettingsError(
                f"a retention of {self._hours} h is longer than the {remembered:g} h for which"
                f" {table.table_uri} remembers what it removed; give less,"
                f" or set its {KEPT_REMOVALS}"
            )

    def _repeat(self, name: str, work: Callable[[DeltaTable], T]) -> T:
        """Begin anew on the table's newest version when another writer was faster."""
        pause = FIRST_PAUSE
        for left in reversed(range(ATTEMPTS)):
            try:
                return work(self._lake.open(name))
            except DeltaError as error:
                if not left:
                    raise
                log.info("%s: %s; trying again in %.1f s", name, error, pause)
                time.sleep(pause)
                pause *= 2
        raise AssertionError

    def _compact(self, day: date, table: DeltaTable) -> int:
        """Make few files of a day's many, in one commit; returns how many were replaced."""
        done = table.optimize.compact(
            partition_filters=[(PARTITION, "=", day.isoformat())],
            target_size=self._target,
            max_concurrent_tasks=1,
            writer_properties=WriterProperties(compression="ZSTD", compression_level=3),
        )
        return int(done["numFilesRemoved"])

    def _vacuum(self, table: DeltaTable) -> int:
        """Delete files that were removed before the retention; returns how many."""
        gone = table.vacuum(self._hours, dry_run=False, enforce_retention_duration=False)
        return len(gone)

    def _remove_orphans(self, name: str) -> int:
        """Delete Parquet files that are older than the retention and in no version."""
        table, files = self._lake.open(name), self._lake.files(name)
        listed = table.vacuum(
            self._hours, dry_run=True, enforce_retention_duration=False, full=True
        )
        table.update_incremental()
        named = set(_actions(table)["path"].to_pylist())
        oldest = datetime.now(UTC) - timedelta(hours=self._hours)
        orphans = [path for path in listed if path.endswith(".parquet") and path not in named]
        old = [path for path in orphans if _is_older(files, path, oldest)]
        for path in old:
            files.delete_file(path)
        return len(old)


def kept_hours(interval: str | None) -> float:
    """Hours of an interval as Delta writes it, `interval 7 days`; Delta's own default for None."""
    found = re.fullmatch(r"interval (\d+) (hour|day|week)s?", interval or "interval 7 days")
    if found is None:
        raise SettingsError(
            f"{KEPT_REMOVALS} is {interval!r}; set it in hours, days or weeks: `interval 7 days`"
        )
    return float(found[1]) * {"hour": 1, "day": 24, "week": 168}[found[2]]


def _days(table: DeltaTable, target: int) -> list[date]:
    """Days of which two files or more would fit into one."""
    sizes: dict[date, list[int]] = defaultdict(list)
    actions = _actions(table)
    for day, size in zip(
        actions[f"partition.{PARTITION}"].to_pylist(), _bytes(actions), strict=True
    ):
        sizes[day].append(size)
    return sorted(
        day for day, found in sizes.items() if len(found) > 1 and sum(sorted(found)[:2]) <= target
    )


def _shorten_log(table: DeltaTable) -> None:
    table.create_checkpoint()
    table.cleanup_metadata()


def _is_older(files: PyFileSystem, path: str, than: datetime) -> bool:
    info = files.get_file_info(path)
    return bool(info.type == FileType.File and info.mtime and info.mtime < than)


def _actions(table: DeltaTable) -> pa.Table:
    return pa.table(table.get_add_actions(flatten=True))


def _bytes(actions: pa.Table) -> list[int]:
    sizes: list[int] = actions["size_bytes"].to_pylist()
    return sizes


def _sizes(table: DeltaTable) -> dict[str, int]:
    sizes = _bytes(_actions(table))
    return {"files": len(sizes), "bytes": sum(sizes)}


def _logs(table: DeltaTable) -> list[dict[str, Any]]:
    """Rows of each partition of each topic, and the highest offset that its transactions tell."""
    names = ["kafka_log", "kafka_topic", "kafka_partition"]
    rows: dict[tuple[Any, ...], int] = {}
    for batch in table.to_pyarrow_dataset().to_batches(columns=names):
        counted = pa.table(batch).group_by(names).aggregate([([], "count_all")])
        for *log_name, count in zip(*counted.to_pydict().values(), strict=True):
            rows[tuple(log_name)] = rows.get(tuple(log_name), 0) + count
    sources = {"/".join(map(str, log_name)): count for log_name, count in rows.items()}
    return [
        {"log": source, "rows": count, "watermark": table.transaction_version(source)}
        for source, count in sorted(sources.items())
    ]

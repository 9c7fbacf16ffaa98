"""Rows to the lake, each exactly once.

Rows are only staged until the epoch closes; the commit in `snapshot` comes after all rows of the
epoch and before Bytewax commits the epoch. A crash in between makes the flow send them again, and
the watermark in the table leaves them out.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pyarrow as pa
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from deltalake.transaction import AddAction

from flows.errors import StoreError
from flows.projects.spec import Project
from flows.settings import Settings
from flows.stores.lake import LakeTable
from flows.streaming import faults, instruments
from flows.streaming.background import FIRST_PAUSE, LONGEST_PAUSE
from flows.streaming.guard import guarded
from flows.streaming.health import PULSE
from flows.streaming.messages import Learned
from flows.streaming.rows import EventRows, OutcomeRows

# Rows are made ready by so many: fewer would cost the thread more waits for the interpreter's lock
# than work, more would leave the rest of an epoch to wait for.
STAGED_ROWS = 10_000

_log = logging.getLogger("flows")


class LakeSink(FixedPartitionedSink[Learned, None]):
    """Appends events and outcomes to the project's Delta tables; exactly-once.

    One sink partition per shard. While the lake does not answer the flow waits, until `stop`.
    """

    def __init__(self, project: Project, settings: Settings, stop: threading.Event) -> None:
        self._project = project
        self._settings = settings
        self._stop = stop

    def list_parts(self) -> list[str]:
        return [f"{shard:04d}" for shard in self._settings.own_shards]

    def part_fn(self, item_key: str) -> int:
        return int(item_key)

    @guarded
    def build_part(self, step_id: str, for_part: str, resume_state: None) -> LakePartition:
        return LakePartition(self._project, self._settings, self._stop)


class LakePartition(StatefulSinkPartition[Learned, None]):
    """One shard's rows of one epoch, made ready by a thread while the learner goes on."""

    def __init__(self, project: Project, settings: Settings, stop: threading.Event) -> None:
        self._slug = project.slug
        self._stop = stop
        events, outcomes = EventRows(project), OutcomeRows(project)
        self._events = _Rows(LakeTable(settings, project.topic, events.schema), events.table)
        self._outcomes = _Rows(
            LakeTable(settings, f"{project.topic}_outcomes", outcomes.schema), outcomes.table
        )
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lake")
        self._given: list[Future[None]] = []

    @guarded
    def write_batch(self, values: list[Learned]) -> None:
        self._given += [self._thread.submit(self._add, learned) for learned in values]

    @guarded
    def snapshot(self) -> None:
        """Wait until all rows of the epoch are in the tables."""
        with instruments.timed(self._slug, "lake"):
            self._given.append(self._thread.submit(self._commit))
            for given in self._given:
                given.result()
        self._given = []

    def close(self) -> None:
        self._thread.shutdown(wait=False)

    def _add(self, learned: Learned) -> None:
        self._until_done(lambda: self._events.add(learned, learned.events))
        self._until_done(lambda: self._outcomes.add(learned, learned.outcomes))

    def _commit(self) -> None:
        self._until_done(self._events.commit)
        self._until_done(self._outcomes.commit)

    def _until_done(self, attempt: Callable[[], None]) -> None:
        """Repeat while the lake fails. Raises StoreError once the flow is to stop, or has died."""
        pause = FIRST_PAUSE
        while True:
            try:
                return attempt()
            except StoreError as error:
                if self._stop.is_set() or not threading.main_thread().is_alive():
                    raise
                _log.warning("%s; trying again in %.1f s", error, pause)
                PULSE.waits(error)
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)


class _Rows:
    """The rows of one table in one epoch, and the offsets that they reach."""

    def __init__(self, table: LakeTable, build: Callable[[Learned, list[Any]], pa.Table]) -> None:
        self._table = table
        self._build = build
        self._fresh: dict[str, tuple[Learned, list[Any]]] = {}
        self._staged: list[AddAction] = []
        self._committed: dict[str, int] = {}
        self._reached: dict[str, int] = {}

    def add(self, learned: Learned, rows: list[Any]) -> None:
        """Keep the rows that the table does not hold yet, in files once they are many."""
        log = f"{learned.identity}/{learned.source}"
        if log not in self._committed:
            self._committed[log] = self._table.watermark(log)
        known = max(self._committed[log], self._reached.get(log, -1))
        new = [row for row in rows if row.offset > known]
        if new:
            self._fresh.setdefault(log, (learned, []))[1].extend(new)
            self._reached[log] = new[-1].offset
        if sum(len(rows) for _, rows in self._fresh.values()) >= STAGED_ROWS:
            self._stage()

    def commit(self) -> None:
        """Commit what was kept, with its watermarks."""
        self._stage()
        if self._staged:
            faults.point("lake.commit.before")
            self._table.commit(self._staged, self._committed, self._reached)
            faults.point("lake.commit.after")
            self._committed |= self._reached
            self._staged, self._reached = [], {}

    def _stage(self) -> None:
        if self._fresh:
            tables = [self._build(learned, rows) for learned, rows in self._fresh.values()]
            faults.point("lake.stage.before")
            self._staged += self._table.stage(pa.concat_tables(tables))
            faults.point("lake.stage.after")
            self._fresh = {}

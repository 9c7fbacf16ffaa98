"""Rows to the lake, each exactly once.

Rows are only kept until the epoch closes; the commit in `snapshot` comes after all rows of the
epoch and before Bytewax commits the epoch. A crash in between makes the flow send them again, and
the watermark in the table leaves them out.
"""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from flows.errors import StoreError
from flows.projects.spec import Project
from flows.settings import Settings
from flows.stores.lake import LakeTable
from flows.streaming import instruments
from flows.streaming.background import FIRST_PAUSE, LONGEST_PAUSE
from flows.streaming.guard import guarded
from flows.streaming.messages import Learned
from flows.streaming.rows import EventRows, OutcomeRows

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
        return [f"{shard:04d}" for shard in range(self._settings.shards)]

    def part_fn(self, item_key: str) -> int:
        return int(item_key)

    @guarded
    def build_part(self, step_id: str, for_part: str, resume_state: None) -> LakePartition:
        return LakePartition(self._project, self._settings, self._stop)


class LakePartition(StatefulSinkPartition[Learned, None]):
    """Buffers one shard's rows for one epoch."""

    def __init__(self, project: Project, settings: Settings, stop: threading.Event) -> None:
        events, outcomes = EventRows(project), OutcomeRows(project)
        self._event_rows, self._outcome_rows = events, outcomes
        self._slug = project.slug
        self._stop = stop
        self._events = _Buffer(LakeTable(settings, project.topic, events.schema))
        self._outcomes = _Buffer(LakeTable(settings, f"{project.topic}_outcomes", outcomes.schema))

    @guarded
    def write_batch(self, values: list[Learned]) -> None:
        with instruments.timed(self._slug, "lake_rows"):
            self._buffer_all(values)

    def _buffer_all(self, values: list[Learned]) -> None:
        for learned in values:
            self._until_done(functools.partial(self._buffer, learned))

    @guarded
    def snapshot(self) -> None:
        with instruments.timed(self._slug, "lake_commit"):
            self._until_done(self._events.commit)
            self._until_done(self._outcomes.commit)

    def _buffer(self, learned: Learned) -> None:
        self._events.add(learned, learned.events, self._event_rows.table)
        self._outcomes.add(learned, learned.outcomes, self._outcome_rows.table)

    def _until_done(self, attempt: Callable[[], None]) -> None:
        """Repeat while the lake fails. Raises StoreError once the flow is told to stop."""
        pause = FIRST_PAUSE
        while True:
            try:
                return attempt()
            except StoreError as error:
                if self._stop.is_set():
                    raise
                _log.warning("%s; trying again in %.1f s", error, pause)
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)


class _Buffer:
    """The rows of one table in one epoch, and the offsets that they reach."""

    def __init__(self, table: LakeTable) -> None:
        self._table = table
        self._rows: list[pa.Table] = []
        self._committed: dict[str, int] = {}
        self._reached: dict[str, int] = {}

    def add(self, learned: Learned, rows: list[Any], build: Callable[..., pa.Table]) -> None:
        """Keep the rows that the table does not hold yet."""
        log = f"{learned.identity}/{learned.source}"
        if log not in self._committed:
            self._committed[log] = self._table.watermark(log)
        known = self._committed[log]
        new = [row for row in rows if row.offset > known]
        if new:
            self._rows.append(build(learned, new))
            self._reached[log] = new[-1].offset

    def commit(self) -> None:
        """Commit what was kept, with its watermarks."""
        if not self._rows:
            return
        self._table.append(pa.concat_tables(self._rows), self._reached)
        self._committed |= self._reached
        self._rows, self._reached = [], {}

"""Curves and versions to MLflow, from threads; unconfirmed points are in the recovery state."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from flows.projects.spec import Project
from flows.settings import Settings
from flows.stores.live import Facts
from flows.stores.registry import Registry
from flows.stores.tracking import CurvePoint, End
from flows.streaming import faults, instruments
from flows.streaming.background import Latest
from flows.streaming.guard import guarded, has_failed
from flows.streaming.messages import Learned

# About a day of points; beyond it the oldest are given up, with a warning.
OUTBOX_POINTS = 20_000
# Together less than the grace of a flow that is told to stop; a version has what curves leave.
CURVE_FAREWELL_SECONDS = 4.0
VERSION_FAREWELL_SECONDS = 9.0
END_FAREWELL_SECONDS = 3.0

_log = logging.getLogger("flows")

# Lineage and (step, time, metrics) of points that MLflow has not confirmed: plain values, because
# Bytewax pickles them.
Outbox = tuple[int, list[tuple[int, float, dict[str, float]]]]


class MlflowSink(FixedPartitionedSink[Learned, Outbox]):
    """Logs metric curves and registers versions, one sink partition per shard.

    Exactly-once for curves: a point is sent until it is confirmed, and sending it twice stores it
    once. Versions are registered when their epoch has closed and the thread is free; a newer one
    replaces one that waits.
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
    def build_part(
        self, step_id: str, for_part: str, resume_state: Outbox | None
    ) -> MlflowPartition:
        registry = registry_of(self._project, self._settings)
        return MlflowPartition(registry, int(for_part), resume_state, self._stop)


class MlflowPartition(StatefulSinkPartition[Learned, Outbox]):
    """One shard's unconfirmed points, and a place for its newest version."""

    def __init__(
        self, registry: Registry, shard: int, outbox: Outbox | None, stop: threading.Event
    ) -> None:
        self._registry = registry
        self._shard = shard
        self._stop = stop
        self._taken_over = 0
        self._lock = threading.Lock()
        self._lineage, points = outbox or (0, [])
        self._unconfirmed = [CurvePoint(*point) for point in points]
        self._curve: Latest[bool] = Latest("curve", self._send)
        self._versions: Latest[tuple[Facts, bytes]] = Latest("version", self._register)
        self._ends: Latest[End] = Latest("end", self._finish)
        self._made: tuple[Facts, bytes] | None = None
        self._closed: tuple[Facts, bytes] | None = None
        if self._unconfirmed:
            self._curve.offer(True)

    @guarded
    def write_batch(self, values: list[Learned]) -> None:
        self._offer_version()
        for learned in values:
            self._lineage = learned.lineage
            if learned.curve:
                self._keep([CurvePoint(p.events_learned, p.time, p.metrics) for p in learned.curve])
            publication = learned.publication
            if publication and publication.learner:
                self._made = publication.facts, publication.learner

    @guarded
    def snapshot(self) -> Outbox:
        self._closed, self._made = self._made or self._closed, None
        if self._lineage != self._taken_over:
            # Not before: importing MLflow takes seconds of a processor that has a model to show.
            self._curve.offer(True)
        with self._lock:
            unconfirmed = list(self._unconfirmed)
        return self._lineage, [(one.step, one.time, one.metrics) for one in unconfirmed]

    def close(self) -> None:
        """Say how the flow ends. Only a flow that was told to stop, and could, ends in order."""
        end: End = "FINISHED" if self._stop.is_set() else "KILLED"
        if has_failed():
            end = "FAILED"
        if end == "FINISHED":
            self._offer_version()
            deadline = time.monotonic() + VERSION_FAREWELL_SECONDS
            self._curve.drain(CURVE_FAREWELL_SECONDS)
            self._versions.drain(deadline - time.monotonic())
        if self._lineage:
            self._ends.offer(end)
            self._ends.drain(END_FAREWELL_SECONDS)

    def _offer_version(self) -> None:
        """Hand over the version of an epoch that has closed.

        A version of an open one would be ahead of the lake, and a flow that had to start from it
        would never write the rows in between. The next epoch's first batch comes after the commit.
        """
        if self._closed is not None:
            self._versions.offer(self._closed)
            self._closed = None

    def _keep(self, points: list[CurvePoint]) -> None:
        with self._lock:
            self._unconfirmed += points
            excess = len(self._unconfirmed) - OUTBOX_POINTS
            if excess > 0:
                _log.warning("MLflow has been away too long: giving %d points up", excess)
                del self._unconfirmed[:excess]
        self._curve.offer(True)

    def _send(self, _: Any) -> None:
        if self._taken_over != self._lineage:
            lineage = self._lineage
            self._registry.take_over(lineage, self._shard)
            self._taken_over = lineage
        with self._lock:
            points = list(self._unconfirmed)
        if points:
            faults.point("curve.before")
            with instruments.timed(self._registry.slug, "curve"):
                self._registry.log_curve(self._lineage, self._shard, points)
            faults.point("curve.after")
        with self._lock:
            confirmed = {id(point) for point in points}
            self._unconfirmed = [one for one in self._unconfirmed if id(one) not in confirmed]

    def _finish(self, end: End) -> None:
        self._registry.finish(self._lineage, self._shard, end)

    def _register(self, version: tuple[Facts, bytes]) -> None:
        with instruments.timed(self._registry.slug, "version"):
            made = self._registry.register(*version)
        _log.info("registered version %d of %s", made.number, self._registry.name(self._shard))


def registry_of(project: Project, settings: Settings) -> Registry:
    """The project's part of MLflow."""
    return Registry.of(project, settings.mlflow_uri)

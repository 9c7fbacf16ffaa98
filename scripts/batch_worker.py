"""`python -m scripts.batch_worker`: take jobs of batch learning and do them, one after another.

Each job runs in a child process of its own: its memory goes back when it ends, and cancelling it
is killing it. On SIGTERM or SIGINT the job goes back to the queue's front and the worker ends.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from prometheus_client import CollectorRegistry

from flows import health_server, logs, measures, projects, settings
from flows.errors import RealtimeError, StoreError
from flows.settings import Settings
from flows.stores.connection import connect
from flows.stores.jobs import ENDED, KINDS, LEASE_SECONDS, End, Job, JobStore
from scripts.batch_child import Child
from scripts.stop import Stop, stop_on_signals

LOOK_SECONDS = 0.5
SILENT_SECONDS = 60.0
"""A worker that has not looked at its work for so long is not well."""

TOO_LATE = "the worker was silent for longer than it may hold a job; run it again"

_log = logging.getLogger("batch")


def main() -> int:
    """Run the command; returns the exit code."""
    try:
        found = settings.load()
        logs.configure(found, "batch-worker")
        with stop_on_signals() as stop, closing(connect(_redis_url(found))) as client:
            worker = Worker(JobStore(client), found, Instruments())
            with _served(worker, found):
                worker.run(stop)
    except RealtimeError as error:
        _log.error("%s", error)
        return 1
    return 0


class Instruments:
    """What Prometheus sees of a worker."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.jobs = measures.BATCH_JOBS.counter(self.registry)
        self.duration = measures.BATCH_JOB.histogram(self.registry)
        self.waiting = measures.BATCH_WAITING.gauge(self.registry)
        self.oldest = measures.BATCH_OLDEST.gauge(self.registry)
        self.running = measures.BATCH_RUNNING.gauge(self.registry)
        self.last_look = measures.BATCH_LAST_LOOK.gauge(self.registry)
        self.registry.register(logs.LINES)
        for slug in projects.PROJECTS:
            for kind in KINDS:
                self.duration.labels(slug, kind)
                for end in ENDED:
                    self.jobs.labels(slug, kind, end)

    def ended(self, job: Job, end: End, seconds: float) -> None:
        """Count a job."""
        self.jobs.labels(job.project, job.kind, end).inc()
        self.duration.labels(job.project, job.kind).observe(seconds)


class Worker:
    """Takes one job after another. What Redis does not take now it is told until it does."""

    def __init__(self, store: JobStore, found: Settings, instruments: Instruments) -> None:
        self.name = f"{socket.gethostname()}-{os.getpid()}"
        self._store = store
        self._settings = found
        self._instruments = instruments
        self._child: Child | None = None
        self._held = 0.0
        self._looked = time.monotonic()
        self._trouble = ""

    def run(self, stop: Stop) -> None:
        """Work until somebody asks for the end."""
        _log.info("%s waits for jobs", self.name)
        try:
            while not stop.requested:
                self._look()
                time.sleep(LOOK_SECONDS)
        finally:
            self._leave()

    def is_well(self) -> str:
        """What is wrong; nothing when all is well."""
        silent = time.monotonic() - self._looked
        return f"has not looked for jobs for {silent:.0f} s" if silent > SILENT_SECONDS else ""

    def _look(self) -> None:
        """One step: take a job, or see how it goes with the one that is being done."""
        try:
            self._store.beat(self.name)
            self._step()
            waiting = self._store.waiting()
            self._trouble = ""
        except StoreError as error:
            self._suffer(error)
        else:
            self._instruments.waiting.set(waiting.jobs)
            self._instruments.oldest.set(waiting.seconds)
        self._instruments.running.set(self._child is not None)
        self._instruments.last_look.set_to_current_time()
        self._looked = time.monotonic()

    def _suffer(self, error: StoreError) -> None:
        """Work on without Redis for as long as the lease holds; no longer."""
        if str(error) != self._trouble:
            _log.warning("%s", error)
        self._trouble = str(error)
        child = self._child
        if child and child.runs and time.monotonic() - self._held > LEASE_SECONDS:
            child.kill("Redis did not answer for as long as the job was held")

    def _step(self) -> None:
        if self._child is None:
            job = self._store.take(self.name)
            if job is not None:
                self._begin(job)
            return
        child = self._child
        told = child.told
        hold = self._store.hold(child.job, told.progress, told.stage)
        self._held = time.monotonic()
        if not child.runs:
            self._settle(child)
        elif hold != "held":
            cancelled = hold == "cancelled"
            child.kill("" if cancelled else TOO_LATE, cancelled=cancelled)
            self._settle(child)
        elif child.seconds > self._settings.batch_seconds:
            limit = self._settings.batch_seconds
            child.kill(f"it took longer than {limit:g} s; REALTIME_BATCH_SECONDS allows more")
            self._settle(child)

    def _begin(self, job: Job) -> None:
        _log.info("%s of %s begins: job %s", job.kind, job.project, job.id)
        self._held = time.monotonic()
        self._child = Child(job)

    def _settle(self, child: Child) -> None:
        """Tell how the job ended; a child is let go of only when Redis knows."""
        end, reason, result = child.outcome()
        self._store.end(child.job, end, reason, result)
        self._child = None
        self._instruments.ended(child.job, end, child.seconds)
        _log.log(
            logging.WARNING if end == "failed" else logging.INFO,
            *("%s of %s is %s: %s", child.job.kind, child.job.project, end, reason or result),
        )

    def _leave(self) -> None:
        child, self._child = self._child, None
        try:
            if child is not None and child.runs:
                child.kill("the worker was told to end")
                self._store.put_back(child.job)
            elif child is not None:
                self._settle(child)
            self._store.leave(self.name)
        except StoreError as error:
            _log.warning("%s", error)
        _log.info("%s has ended", self.name)


@contextmanager
def _served(worker: Worker, found: Settings) -> Iterator[None]:
    if not found.batch_metrics_port:
        yield
        return
    checks = {"/livez": worker.is_well}
    host, port = found.flow_metrics_host, found.batch_metrics_port
    registry, setting = worker._instruments.registry, "REALTIME_BATCH_METRICS_PORT"
    with closing(health_server.start(host, port, checks, registry, setting=setting)):
        yield


def _redis_url(found: Settings) -> str:
    return found.redis_url.get_secret_value()


if __name__ == "__main__":
    sys.exit(main())

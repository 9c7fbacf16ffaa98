"""Workers do jobs in child processes; whoever is killed whenever, a job says what became of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

from flows.batch.frozen import load
from flows.batch.offered import short
from flows.batch.registered import BatchRegistry
from flows.settings import Settings
from flows.stores.batch import BatchStore
from flows.stores.connection import connect
from flows.stores.jobs import LOST, Job, JobStore
from scripts.batch_child import Child
from scripts.batch_worker import Instruments, Worker
from scripts.local.environment import environment, variables
from scripts.stop import Stop
from tests import api_parts
from tests.batch_models import PROJECT, ROWS, lake_at

pytestmark = pytest.mark.slow

PATIENCE = 200.0
"""Seconds that a machine with much else to do may take for a child's start and work."""

until = partial(api_parts.until, seconds=PATIENCE)

ORDER: dict[str, Any] = {"rows": None, "since": None, "model": "logistic_regression"}
SLOW: dict[str, Any] = {**ORDER, "model": None}


@pytest.fixture(scope="module")
def found(redis_url: str, tracking: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A database, a registry and a lake of this file's own."""
    lake = lake_at(tmp_path_factory.mktemp("lake"))
    return Settings(
        _env_file=None,
        kafka_bootstrap="127.0.0.1:1",
        redis_url=redis_url.removesuffix("/0") + "/13",
        mlflow_uri=tracking,
        lake_uri=lake.lake_uri,
        signing_key="a key for tests",
    )


@pytest.fixture
def client(found: Settings) -> Iterator[redis.Redis]:
    client = connect(found.redis_url.get_secret_value())
    client.flushdb()
    yield client
    client.close()


@pytest.fixture
def store(client: redis.Redis) -> JobStore:
    return JobStore(client)


@pytest.fixture(autouse=True)
def _told(found: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Children read their settings from the environment."""
    for name, value in variables(found).items():
        monkeypatch.setenv(name, value)


@contextmanager
def working(store: JobStore, found: Settings) -> Iterator[Worker]:
    """A worker in a thread of this process."""
    worker, stop = Worker(store, found, Instruments()), Stop()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        yield worker
    finally:
        stop.request()
        thread.join()


@contextmanager
def process(found: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A worker as it runs in life."""
    command = [sys.executable, "-m", "scripts.batch_worker"]
    started = subprocess.Popen(command, env=environment(found))
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def ended(store: JobStore, job: Job) -> Job:
    until(lambda: store.get(PROJECT.slug, job.id).has_ended, "the job's end")
    return store.get(PROJECT.slug, job.id)


def registry(found: Settings) -> BatchRegistry:
    return BatchRegistry(found.mlflow_uri, PROJECT)


def version(found: Settings) -> int:
    facts = registry(found).facts()
    return 0 if facts is None else facts.version


def running(store: JobStore) -> Job:
    """A job that is taken, as by a worker."""
    store.submit(PROJECT.slug, "train", SLOW)
    job = store.take("a test")
    assert job is not None
    return job


def test_job_trains_registers_and_has_the_flow_test_it(
    store: JobStore, found: Settings, client: redis.Redis
) -> None:
    seen: dict[str, float] = {}
    with working(store, found) as worker:
        job = store.submit(PROJECT.slug, "train", SLOW)
        while not (now := store.get(PROJECT.slug, job.id)).has_ended:
            seen.setdefault(now.stage, now.progress)
            time.sleep(0.05)
        assert store.workers() == 1
        assert worker.is_well() == ""
    assert (now.state, now.reason, now.result) == ("done", "", str(version(found)))
    assert len(seen) > 2
    assert list(seen.values()) == sorted(seen.values())
    model = load(PROJECT, found)
    assert (model.version, model.rows) == (now.result, ROWS)
    assert BatchStore(client, PROJECT.slug).wanted() == version(found)
    assert store.workers() == 0


@pytest.mark.parametrize("stage", ["starting", "training"])
def test_child_that_is_killed_while_training_fails_and_registers_nothing(
    store: JobStore, found: Settings, stage: str
) -> None:
    before, child = version(found), Child(running(store))
    until(lambda: child.told.stage.startswith(stage), stage)
    os.kill(child.pid, signal.SIGKILL)
    end, reason, result = child.outcome()
    assert (end, result) == ("failed", "")
    assert "SIGKILL" in reason
    assert version(found) == before


@pytest.mark.parametrize("seconds", [0.1, 0.6])
def test_child_that_is_killed_while_registering_leaves_a_whole_model_or_the_one_before(
    store: JobStore, found: Settings, seconds: float
) -> None:
    before, child = version(found), Child(running(store))
    until(lambda: child.told.stage == "registering" or not child.runs, "registering")
    time.sleep(seconds)
    os.kill(child.pid, signal.SIGKILL)
    end, _, result = child.outcome()
    after = version(found)
    assert (end == "done") <= (result == str(after))
    if after != before:
        assert load(PROJECT, found).rows == ROWS
        assert set(registry(found).diagnostics()) == set(short(PROJECT))


def test_killed_child_is_told_by_its_worker_which_goes_on(store: JobStore, found: Settings) -> None:
    with working(store, found) as worker:
        first = store.submit(PROJECT.slug, "train", SLOW)
        until(lambda: worker._child, "its child")
        assert worker._child is not None
        os.kill(worker._child.pid, signal.SIGKILL)
        failed = ended(store, first)
        assert (failed.state, "SIGKILL" in failed.reason) == ("failed", True)
        again = store.again(PROJECT.slug, first.id)
        until(lambda: worker._child and worker._child.job.id == again.id, "the other")
        pid = worker._child.pid
        store.cancel(PROJECT.slug, again.id)
        assert ended(store, again).state == "cancelled"
        assert not psutil.pid_exists(pid)


def test_too_long_a_job_is_ended(store: JobStore, found: Settings) -> None:
    hurried = found.model_copy(update={"batch_seconds": 0.5})
    with working(store, hurried):
        failed = ended(store, store.submit(PROJECT.slug, "train", SLOW))
    assert "REALTIME_BATCH_SECONDS" in failed.reason


def _children(parent: int) -> list[psutil.Process]:
    return psutil.Process(parent).children()


def test_lost_worker_takes_its_child_along_and_the_job_can_be_run_again(
    store: JobStore, found: Settings, client: redis.Redis
) -> None:
    job = store.submit(PROJECT.slug, "train", SLOW)
    with process(found) as worker:
        until(lambda: _children(worker.pid), "its child")
        (child,) = _children(worker.pid)
        worker.kill()
        until(lambda: not child.is_running() or child.status() == "zombie", "the child's end")
        assert store.get(PROJECT.slug, job.id).state == "running"
        # As it would be after the lease.
        client.zadd("realtime:batch:running", {job.id: 1}, xx=True)
    lost = store.get(PROJECT.slug, job.id)
    assert (lost.state, lost.reason) == ("failed", LOST)
    assert store.again(PROJECT.slug, job.id).state == "queued"


def test_worker_that_is_told_to_end_gives_its_job_back(store: JobStore, found: Settings) -> None:
    job = store.submit(PROJECT.slug, "train", SLOW)
    with process(found) as worker:
        until(lambda: store.get(PROJECT.slug, job.id).state == "running", "its start")
        worker.terminate()
        assert worker.wait(timeout=30) == 0
    back = store.get(PROJECT.slug, job.id)
    assert (back.state, back.attempt, back.progress) == ("queued", 1, 0.0)
    assert store.workers() == 0


def test_what_cannot_be_done_says_why_and_is_counted(store: JobStore, found: Settings) -> None:
    with working(store, found) as worker:
        few = store.submit(PROJECT.slug, "train", {**ORDER, "rows": 10})
        failed = ended(store, few)
        unknown = store.submit("nowhere", "train", ORDER)
        until(lambda: store.get("nowhere", unknown.id).has_ended, "its end")
        count = worker._instruments.registry.get_sample_value
        labels = {"project": PROJECT.slug, "kind": "train"}
        counted = {**labels, "end": "failed"}
        until(lambda: count("realtime_batch_jobs_total", counted) == 1, "its count")
    assert (failed.state, "take more" in failed.reason) == ("failed", True)
    assert "no project 'nowhere'" in store.get("nowhere", unknown.id).reason
    assert count("realtime_batch_job_duration_seconds_count", labels) == 1
    assert count("realtime_batch_waiting") == 0
    assert time.time() - (count("realtime_batch_last_look_timestamp_seconds") or 0) < 60


def test_worker_waits_for_redis_that_is_away(
    found: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    del tmp_path
    away = JobStore(connect("redis://127.0.0.1:1/0"))
    with working(away, found) as worker:
        until(lambda: "Redis failed" in caplog.text, "its trouble")
        assert worker.is_well() == ""

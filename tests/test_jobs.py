"""Jobs in Redis: who holds one, how it ends, and what is kept of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.errors import ConflictError, JobError, StoreError
from flows.stores import jobs
from flows.stores.connection import connect
from flows.stores.jobs import JOBS_KEPT, MOST_WAITING, Job, JobStore

ORDER: dict[str, Any] = {"rows": 1_000, "model": None, "names": [], "of": {}}


@pytest.fixture
def client(any_redis_url: str) -> Iterator[redis.Redis]:
    """A database of this file's own, empty."""
    client = connect(any_redis_url.removesuffix("/0") + "/14")
    client.flushdb()
    yield client
    client.close()


@pytest.fixture
def store(client: redis.Redis) -> JobStore:
    return JobStore(client)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases that have run out as soon as they are given."""
    monkeypatch.setattr(jobs, "LEASE_SECONDS", 0.0)


def _taken(store: JobStore, worker: str = "w") -> Job:
    job = store.take(worker)
    assert job is not None
    return job


def test_job_waits_until_a_worker_takes_it(store: JobStore) -> None:
    queued = store.submit("fraud", "train", ORDER)
    assert (queued.state, queued.order, queued.progress) == ("queued", ORDER, 0.0)
    taken = _taken(store, "w1")
    assert (taken.id, taken.state, taken.worker, taken.attempt) == (queued.id, "running", "w1", 1)
    assert taken.started is not None
    assert taken.started >= queued.created
    assert store.take("w2") is None


def test_jobs_are_taken_in_their_order_and_one_of_a_project_at_a_time(store: JobStore) -> None:
    first, second = (store.submit("fraud", "train", {}) for _ in range(2))
    other = store.submit("eta", "train", {})
    assert _taken(store).id == first.id
    assert _taken(store).id == other.id
    assert store.take("w") is None
    store.end(_with_attempt(first), "done", result="1")
    assert _taken(store).id == second.id


def _with_attempt(job: Job, attempt: int = 1) -> Job:
    return Job(
        id=job.id, project=job.project, kind=job.kind, order={}, state="running",
        created=job.created, attempt=attempt,
    )  # fmt: skip


def test_progress_is_seen_while_it_runs_and_the_result_after(store: JobStore) -> None:
    store.submit("fraud", "train", ORDER)
    job = _taken(store)
    assert store.hold(job, 0.25, "reading") == "held"
    seen = store.get("fraud", job.id)
    assert (seen.progress, seen.stage) == (0.25, "reading")
    assert store.end(job, "done", result="7")
    done = store.get("fraud", job.id)
    assert (done.state, done.result, done.progress, done.reason) == ("done", "7", 1.0, "")
    assert done.ended is not None
    assert done.has_ended


def test_failure_has_its_reason_and_progress_stays_where_it_was(store: JobStore) -> None:
    store.submit("fraud", "train", ORDER)
    job = _taken(store)
    store.hold(job, 0.5, "fitting")
    store.end(job, "failed", "x" * 9_000)
    failed = store.get("fraud", job.id)
    assert (failed.state, failed.progress, failed.stage) == ("failed", 0.5, "fitting")
    assert failed.reason == "x" * jobs.LONGEST_REASON


@pytest.mark.usefixtures("impatient")
def test_lease_that_ran_out_is_a_failure_that_says_so(store: JobStore) -> None:
    store.submit("fraud", "train", ORDER)
    job = _taken(store)
    lost = store.get("fraud", job.id)
    assert (lost.state, lost.reason) == ("failed", jobs.LOST)
    assert [one.state for one in store.newest("fraud")] == ["failed"]
    assert store.hold(job, 0.9, "too late") == "gone"
    assert store.get("fraud", job.id).progress == 0.0


@pytest.mark.usefixtures("impatient")
def test_lost_worker_does_not_keep_its_project_from_others(store: JobStore) -> None:
    first, second = (store.submit("fraud", "train", {}) for _ in range(2))
    assert _taken(store, "lost").id == first.id
    assert _taken(store, "next").id == second.id
    assert store.get("fraud", first.id).state == "failed"


@pytest.mark.usefixtures("impatient")
def test_work_of_a_worker_taken_for_lost_counts_when_it_comes(store: JobStore) -> None:
    store.submit("fraud", "train", ORDER)
    job = _taken(store)
    assert store.get("fraud", job.id).state == "failed"
    assert store.end(job, "done", result="3")
    assert store.get("fraud", job.id).state == "done"
    assert not store.end(job, "failed", "again")


def test_job_that_ended_is_run_again_as_another(store: JobStore) -> None:
    first = store.submit("fraud", "train", ORDER)
    with pytest.raises(ConflictError, match="queued"):
        store.again("fraud", first.id)
    store.end(_taken(store), "failed", "why")
    second = store.again("fraud", first.id)
    assert second.id != first.id
    assert (second.state, second.order) == ("queued", ORDER)
    assert [job.id for job in store.newest("fraud")] == [second.id, first.id]
    assert store.get("fraud", first.id).reason == "why"


def test_waiting_job_is_cancelled_at_once(store: JobStore) -> None:
    job = store.submit("fraud", "train", ORDER)
    assert store.cancel("fraud", job.id).state == "cancelled"
    assert store.take("w") is None
    with pytest.raises(ConflictError, match="cancelled"):
        store.cancel("fraud", job.id)


def test_running_job_is_cancelled_by_its_worker(store: JobStore) -> None:
    store.submit("fraud", "train", ORDER)
    job = _taken(store)
    asked = store.cancel("fraud", job.id)
    assert (asked.state, asked.cancelling) == ("running", True)
    assert store.hold(job, 0.5, "fitting") == "cancelled"
    assert store.end(job, "cancelled")
    ended = store.get("fraud", job.id)
    assert (ended.state, ended.cancelling) == ("cancelled", False)


def test_cancelled_job_of_a_lost_worker_is_cancelled(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.submit("fraud", "train", ORDER)
    job = _taken(store)
    store.cancel("fraud", job.id)
    monkeypatch.setattr(jobs, "LEASE_SECONDS", 0.0)
    store.hold(job, 0.1, "x")
    assert store.get("fraud", job.id).state == "cancelled"


def test_job_put_back_is_the_next_one_and_begins_anew(store: JobStore) -> None:
    first, second = (store.submit("fraud", "train", {}) for _ in range(2))
    job = _taken(store)
    store.hold(job, 0.5, "fitting")
    assert store.put_back(job)
    assert not store.put_back(job)
    back = store.get("fraud", first.id)
    assert (back.state, back.progress, back.worker, back.started) == ("queued", 0.0, "", None)
    again = _taken(store, "other")
    assert (again.id, again.attempt) == (first.id, 2)
    assert store.hold(job, 0.9, "not mine any more") == "gone"
    assert not store.end(job, "done", result="9")
    assert store.get("fraud", second.id).state == "queued"


def test_cancelled_job_is_not_put_back(store: JobStore) -> None:
    store.submit("fraud", "train", {})
    job = _taken(store)
    store.cancel("fraud", job.id)
    store.put_back(job)
    assert store.get("fraud", job.id).state == "cancelled"
    assert store.take("w") is None


def test_too_many_waiting_jobs_are_refused(store: JobStore) -> None:
    for _ in range(MOST_WAITING):
        store.submit("fraud", "train", {})
    with pytest.raises(ConflictError, match=f"{MOST_WAITING} jobs of fraud wait"):
        store.submit("fraud", "train", {})
    store.submit("eta", "train", {})


def test_only_the_newest_jobs_are_kept(store: JobStore, client: redis.Redis) -> None:
    first = store.submit("fraud", "train", {})
    store.cancel("fraud", first.id)
    for _ in range(JOBS_KEPT):
        store.cancel("fraud", store.submit("fraud", "train", {}).id)
    kept = store.newest("fraud")
    assert len(kept) == JOBS_KEPT
    assert first.id not in {job.id for job in kept}
    with pytest.raises(JobError, match="no job"):
        store.get("fraud", first.id)
    assert len(client.keys("realtime:batch:job:*")) == JOBS_KEPT


def test_job_of_another_project_is_not_shown(store: JobStore) -> None:
    job = store.submit("fraud", "train", {})
    for attempt in (store.get, store.cancel, store.again):
        with pytest.raises(JobError, match="eta has no job"):
            attempt("eta", job.id)
    assert store.newest("eta") == []


def test_workers_are_counted_while_they_are_heard_of(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store.workers() == 0
    for name in ("a", "b", "a"):
        store.beat(name)
    assert store.workers() == 2
    store.leave("a")
    assert store.workers() == 1
    monkeypatch.setattr(jobs, "WORKER_SECONDS", -1.0)
    assert store.workers() == 0


def test_queue_tells_how_long_it_is(store: JobStore) -> None:
    assert store.waiting() == jobs.Waiting(0, 0.0)
    store.submit("fraud", "train", {})
    store.submit("eta", "train", {})
    waiting = store.waiting()
    assert waiting.jobs == 2
    assert 0 <= waiting.seconds < 60


def test_silent_redis_is_told() -> None:
    store = JobStore(connect("redis://127.0.0.1:1/0"))
    for attempt in (store.workers, store.waiting, lambda: store.take("w")):
        with pytest.raises(StoreError, match="Redis failed to"):
            attempt()


STEPS = st.lists(
    st.sampled_from(["submit", "take", "hold", "end", "back", "cancel", "lose"]), max_size=25
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_happens_each_job_is_where_its_state_says(
    steps: list[str], client: redis.Redis, store: JobStore
) -> None:
    client.flushdb()
    held: list[Job] = []
    for step in steps:
        _do(step, store, held, client)
    queue = [raw.decode() for raw in client.lrange("realtime:batch:queue", 0, -1)]  # type: ignore[union-attr]
    running = [raw.decode() for raw in client.zrange("realtime:batch:running", 0, -1)]  # type: ignore[union-attr]
    found = store.newest("fraud")
    assert sorted(queue) == sorted(job.id for job in found if job.state == "queued")
    assert sorted(running) == sorted(job.id for job in found if job.state == "running")
    assert len(running) <= 1
    for job in found:
        assert job.has_ended == (job.ended is not None)
        assert bool(job.result) == (job.state == "done")


def _do(step: str, store: JobStore, held: list[Job], client: redis.Redis) -> None:
    newest = store.newest("fraud")
    actions: dict[str, Callable[[], object]] = {
        "submit": lambda: store.submit("fraud", "train", {}),
        "take": lambda: held.append(taken) if (taken := store.take("w")) else None,
        "hold": lambda: held and store.hold(held[-1], 0.5, "x"),
        "end": lambda: held and store.end(held[-1], "done", result="1"),
        "back": lambda: held and store.put_back(held[-1]),
        "cancel": lambda: newest and store.cancel("fraud", newest[-1].id),
        "lose": lambda: held and client.zadd("realtime:batch:running", {held[-1].id: 1}, xx=True),
    }
    with contextlib.suppress(ConflictError):
        actions[step]()

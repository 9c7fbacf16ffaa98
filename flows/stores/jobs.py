"""Jobs of batch learning in Redis: a queue that workers take from, and what became of each job.

Keys, all under `realtime:batch`:

    :queue                   list of the ids of jobs that wait, the next one first
    :running                 sorted set of the ids of jobs that run, by the end of their lease
    :job:<id>                hash of one job
    :jobs:<project>          list of the ids of a project's jobs, newest first
    :workers                 sorted set of workers, by when they were last heard of

Every step from one state to the next is one script, by the clock of Redis: whoever is killed
wherever leaves a job either as it was or as it was to be. A worker holds a job by a lease that it
renews; once that has run out, the next one to look finds the job failed.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Literal, get_args

import msgspec
import redis

from flows.errors import ConflictError, JobError
from flows.stores import job_scripts as scripts
from flows.stores.connection import failures

Kind = Literal["train", "diagnose"]
State = Literal["queued", "running", "done", "failed", "cancelled"]
End = Literal["done", "failed", "cancelled"]
Hold = Literal["held", "cancelled", "gone"]

KINDS: tuple[Kind, ...] = get_args(Kind)
ENDED: tuple[State, ...] = get_args(End)

JOBS_KEPT = 50
MOST_WAITING = 10
LEASE_SECONDS = 15.0
WORKER_SECONDS = 15.0
LONGEST_REASON = 2_000
LOST = "the worker was lost: nothing was heard of it any more; run the job again"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of batch learning that somebody wants done.

    `progress` is from 0 to 1, `stage` says what is being done, `reason` why it failed or ended.
    `result`: the version of the model, or the name of the diagnostic. `attempt` counts how often a
    worker took it; `cancelling`: somebody wants its end, and the worker has yet to obey.
    Times are seconds since 1970.
    """

    id: str
    project: str
    kind: Kind
    order: dict[str, Any]
    state: State
    created: float
    progress: float = 0.0
    stage: str = ""
    reason: str = ""
    result: str = ""
    started: float | None = None
    ended: float | None = None
    attempt: int = 0
    cancelling: bool = False
    worker: str = ""

    @property
    def has_ended(self) -> bool:
        """Tell whether nothing more will become of it."""
        return self.state in ENDED


class Waiting(msgspec.Struct, frozen=True):
    """The queue: how many jobs are in it, and for how many seconds the first one has been."""

    jobs: int
    seconds: float


class JobStore:
    """Everybody's jobs. Raises StoreError when Redis does not answer."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis: Any = client
        self._scripts = {name: client.register_script(text) for name, text in scripts.ALL.items()}

    def submit(self, project: str, kind: Kind, order: Mapping[str, Any]) -> Job:
        """Put a job at the queue's end. Raises ConflictError when too many of them wait already."""
        job_id = str(uuid.uuid4())
        text = msgspec.json.encode(order)
        with failures("queue a job"):
            queued = self._run("submit", job_id, project, kind, text, MOST_WAITING, JOBS_KEPT)
        if not queued:
            raise ConflictError(
                f"{MOST_WAITING} jobs of {project} wait already; cancel some, or wait for them"
            )
        return self.get(project, job_id)

    def again(self, project: str, job_id: str) -> Job:
        """Queue a job that has ended once more, as a new one. Raises JobError, ConflictError."""
        job = self.get(project, job_id)
        if not job.has_ended:
            raise ConflictError(f"job {job_id} is {job.state}; it can be run again once it ended")
        return self.submit(project, job.kind, job.order)

    def get(self, project: str, job_id: str) -> Job:
        """One job of a project. Raises JobError when there is none of that id."""
        with failures("read a job"):
            self._run("reap", LOST)
            fields = self._redis.hgetall(self._key("job", job_id))
        if not fields or fields[b"project"].decode() != project:
            raise JobError(f"{project} has no job {job_id}; the newest {JOBS_KEPT} are kept")
        return _job(job_id, fields)

    def newest(self, project: str) -> list[Job]:
        """The newest jobs of a project, newest first."""
        with failures("list jobs"):
            self._run("reap", LOST)
            ids = [raw.decode() for raw in self._redis.lrange(self._key("jobs", project), 0, -1)]
            pipe = self._redis.pipeline(transaction=False)
            for job_id in ids:
                pipe.hgetall(self._key("job", job_id))
            found = pipe.execute()
        return [_job(job_id, one) for job_id, one in zip(ids, found, strict=True) if one]

    def cancel(self, project: str, job_id: str) -> Job:
        """Take a job from the queue, or have its worker end it. Raises JobError, ConflictError."""
        self.get(project, job_id)
        with failures("cancel a job"):
            told = self._run("cancel", job_id)
        job = self.get(project, job_id)
        if not told:
            raise ConflictError(f"job {job_id} has ended already: it is {job.state}")
        return job

    def take(self, worker: str) -> Job | None:
        """The next job, now held by a worker; None when nothing waits.

        Of a project one job runs at a time.
        """
        with failures("take a job"):
            found = self._run("take", worker, LEASE_SECONDS, LOST)
            fields = self._redis.hgetall(self._key("job", found.decode())) if found else None
        return _job(found.decode(), fields) if fields else None

    def hold(self, job: Job, progress: float, stage: str) -> Hold:
        """Renew the lease and tell how far it is.

        "cancelled": somebody wants its end. "gone": it is not this worker's any more.
        """
        with failures("renew a lease"):
            answer = self._run("hold", job.id, job.attempt, LEASE_SECONDS, progress, stage)
        found: Hold = answer.decode()
        return found

    def end(self, job: Job, state: End, reason: str = "", result: str = "") -> bool:
        """Say how a job ended; False when it is not this worker's any more."""
        with failures("end a job"):
            reason = reason[:LONGEST_REASON]
            return bool(self._run("end", job.id, job.attempt, state, reason, result))

    def put_back(self, job: Job) -> bool:
        """Let another worker begin a job anew, as the next one; False when it is not one's own."""
        with failures("put a job back"):
            return bool(self._run("put_back", job.id, job.attempt))

    def beat(self, worker: str) -> None:
        """Say that a worker lives."""
        with failures("write a worker's heartbeat"):
            self._run("beat", worker, WORKER_SECONDS)

    def leave(self, worker: str) -> None:
        """Say that a worker has ended."""
        with failures("take a worker off the list"):
            self._redis.zrem(self._key("workers"), worker)

    def workers(self) -> int:
        """How many workers were heard of within WORKER_SECONDS."""
        with failures("count workers"):
            return int(self._run("workers", WORKER_SECONDS))

    def waiting(self) -> Waiting:
        """How it stands with the queue."""
        with failures("look at the queue"):
            jobs, seconds = self._run("waiting")
        return Waiting(int(jobs), float(seconds))

    def _run(self, script: str, *arguments: Any) -> Any:
        return self._scripts[script](args=arguments)

    def _key(self, *parts: str) -> str:
        return ":".join((scripts.PREFIX, *parts))


def _job(job_id: str, fields: dict[bytes, bytes]) -> Job:
    values: dict[str, Any] = {name.decode(): value.decode() for name, value in fields.items()}
    values["order"] = msgspec.json.decode(values["order"])
    values["cancelling"] = values.get("cancelling") == "1"
    return msgspec.convert({**values, "id": job_id}, Job, strict=False)

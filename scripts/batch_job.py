"""`python -m scripts.batch_job`: the child process in which one job is done; for the worker only.

Reads the job as one line of JSON, then holds its input open: when that closes, the worker is gone
and the process ends itself. Tells on its output, a line of JSON each, how far it is and how it
ended. Whatever libraries print goes to the log.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TextIO

import msgspec

from flows import logs, projects, settings
from flows.errors import RealtimeError, StoreError
from flows.projects.spec import Project
from flows.settings import Settings
from flows.stores.batch import BatchStore
from flows.stores.connection import connect
from flows.stores.jobs import Job

Progress = Callable[[float, str], None]

# Of all processes of the machine or container, this one is to be ended when memory runs out.
FIRST_VICTIM = "1000"
NICE = 10
"""Flows and those who ask for predictions come first."""

_log = logging.getLogger("batch")


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the child: how far it is, or how it ended, with what came of it or why not."""

    progress: float = 0.0
    stage: str = ""
    result: str | None = None
    reason: str | None = None


def main() -> int:
    """Do the job that the input names; 0 unless it failed."""
    output = _own_output()
    job = msgspec.json.decode(sys.stdin.readline(), type=Job)
    threading.Thread(target=_end_with_worker, name="leash", daemon=True).start()
    os.nice(NICE)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_VICTIM)
    found = settings.load()
    logs.configure(found, "batch", project=job.project, job=job.id)
    told = _do(job, found, lambda share, stage: _tell(output, Told(share, stage)))
    _tell(output, told)
    return 0 if told.reason is None else 1


def work(job: Job, found: Settings, progress: Progress) -> str:
    """Do a job; returns what came of it. Raises RealtimeError with what to do about it."""
    # Imported only by who works: it brings scikit-learn.
    from flows.batch import training
    from flows.batch.order import part_of
    from flows.batch.registered import BatchRegistry

    project = projects.get(job.project)
    if job.kind == "diagnose":
        from flows.batch import diagnosing

        name, version = job.order["name"], str(job.order.get("version") or "batch")
        diagnosing.diagnose(project, found, version, name, progress)
        return str(name)
    # Runs of children that were killed while they registered.
    BatchRegistry(found.mlflow_uri, project).sweep()
    order = msgspec.convert(job.order, training.Order)
    trained = training.train(project, found, order, part_of(progress, 0.0, 0.95))
    progress(0.95, "registering")
    version = training.register(project, found, trained)
    _have_it_tested(project, found, version)
    return version


def _have_it_tested(project: Project, found: Settings, version: str) -> None:
    """Let the project's flow test the model beside its own."""
    with closing(connect(found.redis_url.get_secret_value())) as client:
        try:
            BatchStore(client, project.slug).want(int(version))
        except StoreError as error:
            raise StoreError(
                f"version {version} is registered, but its flow was not told to test it: {error}"
            ) from error


def _do(job: Job, found: Settings, progress: Progress) -> Told:
    try:
        return Told(1.0, "done", result=work(job, found, progress))
    except RealtimeError as error:
        return Told(reason=str(error))
    except MemoryError:
        return Told(reason="not enough memory; train on fewer rows, or give the worker more")
    except Exception as error:
        _log.exception("job %s failed", job.id)
        return Told(reason=f"{type(error).__name__}: {error}; the worker's log has it all")


def _own_output() -> TextIO:
    """The real output, for our own lines; what others print goes where the log goes."""
    ours = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return ours


def _tell(output: TextIO, told: Told) -> None:
    output.write(msgspec.json.encode(told).decode() + "\n")
    output.flush()


def _end_with_worker() -> None:
    """Wait for the end of the input; nobody wants the work after that."""
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


def command() -> list[str]:
    """What the worker starts."""
    return [sys.executable, "-m", "scripts.batch_job"]


def first_line(job: Job) -> bytes:
    """What the child reads first."""
    return msgspec.json.encode(job) + b"\n"


_decode: Any = msgspec.json.Decoder(Told).decode


def read(line: bytes) -> Told:
    """What a line of the child says."""
    told: Told = _decode(line)
    return told


if __name__ == "__main__":
    sys.exit(main())

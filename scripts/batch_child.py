"""One job's process, as the worker sees it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress

import msgspec

from flows.stores.jobs import End, Job
from scripts import batch_job
from scripts.batch_job import Told


class Child:
    """A child process that does a job, in a process group of its own."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.told = Told(0.0, "starting")
        self._final: Told | None = None
        self._why: str | None = None
        self._cancelled = False
        self._started = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            batch_job.command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._give(batch_job.first_line(job))
        self._reader = threading.Thread(target=self._read, name="child", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Is it still at work?"""
        return self._process.poll() is None

    @property
    def seconds(self) -> float:
        """How long ago it was started."""
        return time.monotonic() - self._started

    def kill(self, why: str, *, cancelled: bool = False) -> None:
        """End it and all that it has started; what it had done by then counts."""
        self._why, self._cancelled = why, cancelled
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def outcome(self) -> tuple[End, str, str]:
        """How the job ended, why, and what came of it; for a child that does not run."""
        code = self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        final = self._final
        if final is not None and final.result is not None:
            return "done", "", final.result
        if self._why is not None:
            return ("cancelled" if self._cancelled else "failed"), self._why, ""
        if final is not None and final.reason is not None:
            return "failed", final.reason, ""
        return "failed", _how(code), ""

    def _give(self, line: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101
        with suppress(BrokenPipeError):
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101
        for line in self._process.stdout:
            with suppress(msgspec.MsgspecError):
                told = batch_job.read(line)
                if told.result is None and told.reason is None:
                    self.told = told
                else:
                    self._final = told


def _how(code: int) -> str:
    if code == -signal.SIGKILL:
        return (
            "its process was ended by SIGKILL, by hand or because memory ran out;"
            " run it again, perhaps on fewer rows"
        )
    if code < 0:
        return f"its process was ended by {signal.Signals(-code).name}; run it again"
    return f"its process ended with exit code {code} and said nothing; see the worker's log"

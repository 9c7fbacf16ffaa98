"""One part as a running process group: its output, its readiness, its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from flows.errors import RealtimeError
from scripts.local.ready import Ready

LAST_LINES = 12
LONGEST_LINE = 1 << 16
POLL_SECONDS = 0.1
DRAIN_SECONDS = 1.0

Emit = Callable[[str, str], None]


class PartError(RealtimeError):
    """A part died, or never became ready."""


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the platform.

    `needs` names the parts that must be ready before it starts, `uses` those that it can start
    without; both kinds end after it. `port` is the one it listens on,
    `setting` the variable that moves it. `grace` is how long it may take to end when asked,
    `within` how long to become ready; both in seconds.
    """

    name: str
    argv: tuple[str, ...]
    ready: Ready
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None
    setting: str | None = None
    grace: float = 5.0
    within: float = 90.0


class Leash:
    """The process that ends all parts if this one dies without doing so; see `leash.py`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls) -> Self:
        script = str(Path(__file__).with_name("leash.py"))
        argv = (sys.executable, "-I", "-S", script)
        pipe = asyncio.subprocess.PIPE
        return cls(await asyncio.create_subprocess_exec(*argv, stdin=pipe, start_new_session=True))

    def hold(self, group: int) -> None:
        self._say(f"+{group}\n")

    def release(self, group: int) -> None:
        self._say(f"-{group}\n")

    async def close(self) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        await self._process.wait()

    def _say(self, text: str) -> None:
        if self._process.stdin:
            self._process.stdin.write(text.encode())


class Child:
    """A part that was started, leader of its own session and process group."""

    def __init__(
        self, part: Part, process: asyncio.subprocess.Process, leash: Leash, emit: Emit
    ) -> None:
        self.part = part
        self._process = process
        self._leash = leash
        self._emit = emit
        self._started = time.monotonic()
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, part: Part, leash: Leash, emit: Emit) -> Self:
        """Start a part. Raises PartError if its program cannot be run."""
        try:
            process = await asyncio.create_subprocess_exec(
                *part.argv,
                env=dict(part.env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise PartError(f"{part.name} cannot be started: {error}") from error
        leash.hold(process.pid)
        return cls(part, process, leash, emit)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.returncode

    @property
    def age(self) -> float:
        return time.monotonic() - self._started

    def printed(self, text: str) -> bool:
        return any(text in line for line in self._last)

    async def until_ready(self) -> None:
        """Wait for readiness. Raises PartError if it ends before, or takes too long."""
        while not await self.part.ready(self):
            if self.returncode is not None:
                raise await self.death()
            if self.age > self.part.within:
                raise PartError(
                    f"{self.part.name} was not ready within {self.part.within:g} s"
                    f" ({self.part.ready}); its last lines:{self._quote()}"
                )
            await asyncio.sleep(POLL_SECONDS)

    async def until_dead(self) -> PartError:
        """Wait for its end, and return the error that describes it."""
        await self._exit()
        return await self.death()

    async def stop(self, hurry: asyncio.Event | None = None) -> None:
        """SIGTERM, then SIGKILL to the whole group after the grace or as soon as `hurry` is set."""
        if self.returncode is None:
            self._signal(signal.SIGTERM)
            await self._end(hurry or asyncio.Event())
        self._signal_group(signal.SIGKILL)
        await self._exit()
        await self._drain()
        self._leash.release(self.pid)

    async def death(self) -> PartError:
        """The error that says how it ended, with its last lines."""
        await self._drain()
        how = _how(self.returncode)
        return PartError(f"{self.part.name} ended {how}; its last lines:{self._quote()}")

    async def _end(self, hurry: asyncio.Event) -> None:
        deadline = time.monotonic() + self.part.grace
        while self.returncode is None and time.monotonic() < deadline and not hurry.is_set():
            await asyncio.sleep(POLL_SECONDS)

    async def _exit(self) -> None:
        # asyncio's own `wait` also waits, in some Python versions, for the end of the output,
        # which a grandchild can hold open.
        while self.returncode is None:
            await asyncio.sleep(POLL_SECONDS)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def _signal_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    async def _drain(self) -> None:
        await asyncio.wait({self._reader}, timeout=DRAIN_SECONDS)

    async def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101
        async for line in _lines(self._process.stdout):
            self._last.append(line)
            self._emit(self.part.name, line)

    def _quote(self) -> str:
        return "".join(f"\n    {line}" for line in self._last) or " (it printed nothing)"


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        return f"by {signal.Signals(-code).name}"
    return f"with exit code {code}"


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    rest = b""
    while chunk := await stream.read(LONGEST_LINE):
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > LONGEST_LINE:
            whole, rest = [*whole, rest], b""
        for line in whole:
            yield line.decode(errors="replace").rstrip("\r")
    if rest:
        yield rest.decode(errors="replace")

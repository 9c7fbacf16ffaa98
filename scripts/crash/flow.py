"""A flow as one process or as a cluster of them, which can be killed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Self

from scripts.crash.deaths import FAULT_RATE
from scripts.crash.surroundings import Place
from scripts.local import parts
from scripts.local.child import Child, Part
from scripts.local.environment import environment
from scripts.local.ports import free_port
from scripts.local.ready import Finishes, Lives

SNAPSHOT_SECONDS = 1
# Bytewax ends the other processes of a cluster at once; this is for a machine that is busy.
FOLLOW_SECONDS = 20.0
# While a cluster forms, a process waits for ever for one that died; whoever started it must end it.
FORMING_SECONDS = 2.0
DRAIN_SECONDS = 40.0
POLL_SECONDS = 0.02

log = logging.getLogger("flow")

_FAULT = re.compile(r"fault: dying at (\S+)")


class Flow:
    """One life of a flow, from its start to the end of its last process.

    `formed`: it has learnt something, so its processes have found each other. `hung`: processes
    that went on when another had died.
    """

    def __init__(self) -> None:
        self.formed = False
        self._started = time.monotonic()
        self.lines: list[str] = []
        self.hung = 0
        self._children: list[Child] = []

    @classmethod
    async def start(
        cls, place: Place, processes: int, faults: Mapping[int, int] | None = None
    ) -> Self:
        """Start all processes; `faults` gives those that are to kill themselves a seed."""
        flow = cls()
        ports = ";".join(f"127.0.0.1:{free_port()}" for _ in range(processes))
        for number in range(processes):
            cluster = ("-i", str(number), "-a", ports) if processes > 1 else ()
            part = _part(place, number, cluster, (faults or {}).get(number))
            flow._children.append(await Child.start(part, place.leash, flow._keep))
        return flow

    @property
    def age(self) -> float:
        return time.monotonic() - self._started

    @property
    def running(self) -> bool:
        """Do all processes run?"""
        return all(child.returncode is None for child in self._children)

    @property
    def codes(self) -> list[int | None]:
        return [child.returncode for child in self._children]

    @property
    def killed(self) -> bool:
        """Did SIGKILL end any process?"""
        return -signal.SIGKILL in self.codes

    @property
    def point(self) -> str | None:
        """The point at which it killed itself, if it did."""
        found = (_FAULT.search(line) for line in self.lines)
        return next((match[1] for match in found if match), None)

    def kill(self, victims: Sequence[int]) -> None:
        """SIGKILL some of its processes."""
        for number in victims:
            if self._children[number].returncode is None:
                os.kill(self._children[number].pid, signal.SIGKILL)

    async def gone(self) -> None:
        """Wait until all processes have followed the one that died; kill those that do not."""
        await self._wait(FOLLOW_SECONDS if self.formed else FORMING_SECONDS)
        self.hung = self.codes.count(None) if self.formed else 0
        await self._bury()

    async def drain(self) -> list[int | None]:
        """Ask all processes to end, and return their exit codes."""
        for child in self._children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGTERM)
        await self._wait(DRAIN_SECONDS)
        codes = self.codes
        await self._bury()
        return codes

    async def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while None in self.codes and time.monotonic() < deadline:
            await asyncio.sleep(POLL_SECONDS)

    async def _bury(self) -> None:
        self.kill(range(len(self._children)))
        for child in self._children:
            await child.stop()

    def _keep(self, name: str, line: str) -> None:
        self.lines.append(f"{name}: {line}")


async def make_recovery(place: Place, processes: int) -> None:
    """Make the flow's recovery directory, with a file for each process."""
    (place.folder / "recovery").mkdir()
    argv = (sys.executable, "-m", "bytewax.recovery", str(place.folder / "recovery"))
    env = environment(place.settings)
    step = Part(name="recovery", argv=(*argv, str(processes)), ready=Finishes(), env=env)
    child = await Child.start(step, place.leash, lambda *_: None)
    await child.until_ready()
    await child.stop()


@asynccontextmanager
async def steady_flow(
    place: Place, *arguments: str, entry: str = "flows.{slug}"
) -> AsyncIterator[Child]:
    """A flow as `up` starts it, but for another `entry`; `arguments` of Bytewax count most."""
    settings = place.settings
    part = parts.flow(
        place.project.slug, place.folder / "recovery", settings.redis_url, environment(settings)
    )
    own, other = f"flows.{place.project.slug}", entry.format(slug=place.project.slug)
    argv = [other if argument == own else argument for argument in part.argv]
    part = replace(part, argv=(*argv, *arguments))
    child = await Child.start(part, place.leash, _relay)
    try:
        yield child
    finally:
        await child.stop()


def _relay(name: str, line: str) -> None:
    if "ERROR" in line or "Error" in line:
        log.warning("%s: %s", name, line)


def _part(place: Place, number: int, cluster: tuple[str, ...], fault: int | None) -> Part:
    armed = {"fault_seed": fault or 0, "fault_rate": 0.0 if fault is None else FAULT_RATE}
    settings = place.settings.model_copy(update=armed)
    run = (sys.executable, "-m", "bytewax.run", f"flows.{place.project.slug}")
    recovery = ("-r", str(place.folder / "recovery"), "-s", str(SNAPSHOT_SECONDS), "-b", "0")
    return Part(
        name=f"flow {number}",
        argv=(*run, *recovery, *cluster),
        ready=Lives(0),
        env=environment(settings),
    )

"""Starts parts as their needs become ready, keeps them, and ends them all."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterable

from scripts.local.child import Child, Leash, Part, PartError
from scripts.local.console import Console
from scripts.local.ready import Finishes

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# The last is what Java makes of SIGTERM.
ASKED_TO_END = (0, -signal.SIGTERM, 128 + signal.SIGTERM)


async def supervise(
    parts: Iterable[Part], console: Console, welcome: str, seconds: float | None = None
) -> None:
    """Run parts until a signal, or for `seconds`; say `welcome` once all are ready.

    A second signal kills what is still ending. Raises PartError as `Supervisor.run` does.
    """
    supervisor = Supervisor(parts, console)
    for number in SIGNALS:
        # What is ignored stays so: `nohup` means it.
        if signal.getsignal(number) is not signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(number, supervisor.interrupt)
    await supervisor.run(lambda: console.say(welcome), seconds)


class Supervisor:
    """Runs parts. `leave` asks it to end them, `hurry` to kill what is still ending."""

    def __init__(self, parts: Iterable[Part], console: Console) -> None:
        self._parts = tuple(parts)
        self._console = console
        self._children: dict[str, Child] = {}
        self._ready = {part.name: asyncio.Event() for part in self._parts}
        self._ended = {part.name: asyncio.Event() for part in self._parts}
        self.leave = asyncio.Event()
        self.hurry = asyncio.Event()

    def interrupt(self) -> None:
        """Leave; when already leaving, hurry."""
        (self.hurry if self.leave.is_set() else self.leave).set()

    async def run(self, when_ready: Callable[[], None], seconds: float | None = None) -> None:
        """Run all parts until `leave`, or for `seconds`; however it ends, no process is left.

        Raises PartError if a part dies, takes too long to be ready, or is not when time is up.
        """
        self._leash = await Leash.start()
        try:
            await self._run(when_ready, seconds)
        finally:
            self.leave.set()
            await asyncio.gather(*(self._end(part) for part in self._parts))
            await self._leash.close()

    async def _run(self, when_ready: Callable[[], None], seconds: float | None) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._live(part)) for part in self._parts]
                tasks.append(group.create_task(self._announce(when_ready)))
                await self._until_leave(seconds)
                for task in tasks:
                    task.cancel()
        except* PartError as failures:
            raise failures.exceptions[0] from None

    async def _until_leave(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.leave.wait()
        except TimeoutError:
            if late := [name for name, ready in self._ready.items() if not ready.is_set()]:
                raise PartError(
                    f"not ready when the {seconds:g} s were over: {', '.join(late)}"
                ) from None

    async def _live(self, part: Part) -> None:
        for need in part.needs:
            await self._ready[need].wait()
        child = await Child.start(part, self._leash, self._console.line)
        self._children[part.name] = child
        await child.until_ready()
        self._ready[part.name].set()
        if not isinstance(part.ready, Finishes):
            self._console.say(f"{part.name} is ready after {child.age:.1f} s")
            raise await child.until_dead()

    async def _announce(self, when_ready: Callable[[], None]) -> None:
        for ready in self._ready.values():
            await ready.wait()
        when_ready()

    async def _end(self, part: Part) -> None:
        """End a part after all those that need or use it."""
        for other in self._parts:
            if part.name in (*other.needs, *other.uses):
                await self._ended[other.name].wait()
        if child := self._children.get(part.name):
            await self._end_child(child)
        self._ended[part.name].set()

    async def _end_child(self, child: Child) -> None:
        alive = child.returncode is None
        await child.stop(self.hurry)
        if alive and child.returncode not in ASKED_TO_END:
            self._console.say(f"while ending: {await child.death()}")

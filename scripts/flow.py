"""`python -m scripts.flow`: keep a project's flow running, as one process or as a cluster.

A process that dies takes its cluster with it. This starts all of them again, after a pause that
grows while they keep dying, so that what is broken is not hammered. SIGTERM ends the flow in order.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from flows import projects
from flows.errors import RealtimeError
from flows.settings import Settings, load
from scripts.local.child import Child, Leash, Part
from scripts.local.environment import environment
from scripts.local.parts import FLOW_GRACE_SECONDS, SNAPSHOT_SECONDS
from scripts.local.ports import free_port
from scripts.local.ready import Finishes, Lives

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
# A flow that has lived so long was well: what ends it then is news.
WELL_SECONDS = 60.0
POLL_SECONDS = 0.1


class Keeper:
    """Starts a flow's processes, again whenever one of them has died, until told to leave."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.leave = asyncio.Event()
        self._parts = parts

    async def run(self, leash: Leash) -> None:
        """Return when the flow has ended in order, by itself or because it was told to."""
        pause = FIRST_PAUSE
        while not self.leave.is_set():
            children = [await Child.start(part, leash, _relay) for part in self._parts]
            died = await self._watch(children)
            age = children[0].age
            await asyncio.gather(*(child.stop() for child in children))
            if not died:
                return
            pause = FIRST_PAUSE if age > WELL_SECONDS else pause
            _say(f"{died}; all start again in {pause:g} s")
            await self._rest(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _watch(self, children: list[Child]) -> str:
        """Wait until told to leave, until all have ended well, or until one has not: say which."""
        while not self.leave.is_set():
            for child in children:
                if child.returncode:
                    return f"{child.part.name} ended with exit code {child.returncode}"
            if all(child.returncode == 0 for child in children):
                return ""
            await asyncio.sleep(POLL_SECONDS)
        return ""

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.leave.wait(), seconds)
        except TimeoutError:
            return


def parts(slug: str, recovery: Path, processes: int, settings: Settings) -> list[Part]:
    """The processes of a flow; more than one form a cluster on this machine."""
    run = (sys.executable, "-m", "bytewax.run", f"flows.{slug}")
    saved = ("-r", str(recovery), "-s", str(SNAPSHOT_SECONDS), "-b", "0")
    ports = ";".join(f"127.0.0.1:{free_port()}" for _ in range(processes))
    return [
        Part(
            name=f"{slug}-{number}",
            argv=(*run, *saved, *(("-i", str(number), "-a", ports) if processes > 1 else ())),
            ready=Lives(0),
            env=environment(settings),
            grace=FLOW_GRACE_SECONDS + 2,
        )
        for number in range(processes)
    ]


async def keep(options: Namespace, settings: Settings) -> None:
    """Prepare the recovery directory and keep the flow. Raises PartError if it cannot start."""
    leash = await Leash.start()
    try:
        if not any(options.recovery.glob("part-*.sqlite3")):
            await _prepare(options, settings, leash)
        keeper = Keeper(parts(options.project, options.recovery, options.processes, settings))
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, keeper.leave.set)
        await keeper.run(leash)
    finally:
        await leash.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Keep a flow running. Returns 0 once it has ended in order."""
    parser = ArgumentParser(prog="python -m scripts.flow", description=__doc__)
    parser.add_argument("project", choices=list(projects.PROJECTS))
    parser.add_argument("--processes", type=int, default=1, help="more than one form a cluster")
    parser.add_argument("--recovery", type=Path, help="directory of the recovery state")
    options = parser.parse_args(arguments)
    options.recovery = options.recovery or Path("data/recovery/external") / options.project
    try:
        asyncio.run(keep(options, load()))
    except RealtimeError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


async def _prepare(options: Namespace, settings: Settings, leash: Leash) -> None:
    """Make the recovery files, as many as there may ever be processes."""
    options.recovery.mkdir(parents=True, exist_ok=True)
    make = ("-m", "bytewax.recovery", str(options.recovery), str(max(4, options.processes)))
    step = Part("recovery", (sys.executable, *make), Finishes(), env=environment(settings))
    child = await Child.start(step, leash, _relay)
    await child.until_ready()
    await child.stop()


def _relay(name: str, line: str) -> None:
    sys.stdout.write(f"{name} │ {line}\n")
    sys.stdout.flush()


def _say(text: str) -> None:
    _relay("flow", text)


if __name__ == "__main__":
    sys.exit(main())

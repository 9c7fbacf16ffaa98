"""`python -m scripts.flow`: keep a project's flow running, as one process or as a cluster.

A process that dies takes its cluster with it. This starts all of them again, after a pause that
grows while they keep dying, so that what is broken is not hammered. SIGTERM ends the flow in order.

With `--index` it keeps one process of a cluster whose others run elsewhere, each kept in the same
way: the first one's directory holds the recovery state, the others' stay empty.
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
from scripts.local.child import Child, Emit, Leash, Part
from scripts.local.environment import environment
from scripts.local.parts import FLOW_GRACE_SECONDS, SNAPSHOT_SECONDS, entry, has_recovery
from scripts.local.ports import free_port
from scripts.local.ready import Finishes, Lives
from scripts.relay import for_people, relay_of

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
# A flow that has lived so long was well: what ends it then is news.
WELL_SECONDS = 60.0
POLL_SECONDS = 0.1


class Keeper:
    """Starts a flow's processes, again whenever one of them has died, until told to leave."""

    def __init__(self, parts: Sequence[Part], emit: Emit = for_people) -> None:
        self.leave = asyncio.Event()
        self._parts = parts
        self._emit = emit

    async def run(self, leash: Leash) -> None:
        """Return when the flow has ended in order, by itself or because it was told to."""
        pause = FIRST_PAUSE
        while not self.leave.is_set():
            children = [await Child.start(part, leash, self._emit) for part in self._parts]
            died = await self._watch(children)
            age = children[0].age
            await asyncio.gather(*(child.stop() for child in children))
            if not died:
                return
            pause = FIRST_PAUSE if age > WELL_SECONDS else pause
            self._emit("flow", f"error: {died}; all start again in {pause:g} s")
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
    ports = [f"127.0.0.1:{free_port()}" for _ in range(processes)]
    return [member(slug, recovery, number, ports, settings) for number in range(processes)]


def member(
    slug: str, recovery: Path, index: int, addresses: Sequence[str], settings: Settings
) -> Part:
    """The process of a flow that listens on the address of that index, if there are more."""
    run = (sys.executable, "-m", "bytewax.run", entry(slug))
    saved = ("-r", str(recovery), "-s", str(SNAPSHOT_SECONDS), "-b", "0")
    others = ("-i", str(index), "-a", ";".join(addresses)) if len(addresses) > 1 else ()
    return Part(
        name=f"{slug}-{index}",
        argv=(*run, *saved, *others),
        ready=Lives(0),
        env=environment(settings),
        grace=FLOW_GRACE_SECONDS + 2,
    )


async def keep(options: Namespace, settings: Settings) -> None:
    """Prepare the recovery directory and keep the flow. Raises PartError if it cannot start."""
    leash = await Leash.start()
    try:
        options.recovery.mkdir(parents=True, exist_ok=True)
        if not options.index and not has_recovery(options.recovery):
            await _prepare(options, settings, leash)
        if options.prepare:
            return
        keeper = Keeper(_wanted(options, settings), relay_of(settings))
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
    parser.add_argument("--prepare", action="store_true", help="only make that directory ready")
    parser.add_argument("--files", type=int, help="of recovery state: the most workers ever; 4")
    parser.add_argument("--index", type=int, help="keep only this process of a cluster, from 0")
    parser.add_argument("--hosts", help="with --index: HOST:PORT of each process, {} its index")
    options = parser.parse_args(arguments)
    if (options.index is None) != (options.hosts is None):
        parser.error("--index and --hosts belong together")
    options.recovery = options.recovery or Path("data/recovery/external") / options.project
    try:
        asyncio.run(keep(options, load()))
    except RealtimeError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _wanted(options: Namespace, settings: Settings) -> list[Part]:
    if options.index is None:
        return parts(options.project, options.recovery, options.processes, settings)
    addresses = [options.hosts.format(number) for number in range(options.processes)]
    return [member(options.project, options.recovery, options.index, addresses, settings)]


async def _prepare(options: Namespace, settings: Settings, leash: Leash) -> None:
    """Make the recovery files, as many as there may ever be processes."""
    files = options.files or max(4, options.processes)
    make = ("-m", "bytewax.recovery", str(options.recovery), str(files))
    step = Part("recovery", (sys.executable, *make), Finishes(), env=environment(settings))
    child = await Child.start(step, leash, relay_of(settings))
    await child.until_ready()
    await child.stop()


if __name__ == "__main__":
    sys.exit(main())

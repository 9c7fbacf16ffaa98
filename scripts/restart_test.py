"""`python -m scripts.restart_test`: how soon a flow with a large state learns again after a kill.

Predictions whose labels never come make the state grow. Then the flow is killed, again and again;
the time from each new start until readers see an event learnt that was not learnt before is what
counts. Exit code 1 if the slowest start took longer than `--within`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import islice
from statistics import median
from typing import Any

import msgspec
import psutil

from flows.errors import ProjectError
from flows.projects.spec import Project
from scripts import streams
from scripts.crash.command import Figures, answer, parser_of
from scripts.crash.flow import make_recovery, steady_flow
from scripts.crash.gauges import Gauges
from scripts.crash.patient import ENTRY, PENDING
from scripts.crash.surroundings import Place, surroundings
from scripts.crash.watch import Watch
from scripts.kafka import Record, send
from scripts.local.child import Child
from scripts.local.ports import free_port
from scripts.records import EventReader
from scripts.topics import ensure_topics

LOOK_SECONDS = 0.02
# Events for each start, with labels.
FRESH = 200


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print one JSON object; returns the exit code."""
    parser = parser_of("restart_test", __doc__)
    parser.add_argument("--restarts", type=int, default=10, help="how often (10)")
    parser.add_argument(
        "--waiting",
        type=int,
        default=90_000,
        help=f"predictions without label (90000, < {PENDING})",
    )
    parser.add_argument("--within", type=float, default=5.0, help="seconds at most (5)")
    options = parser.parse_args(arguments)
    return answer("restart_test", options, run, lambda figures: bool(figures["in_time"]))


async def run(project: Project, options: Namespace) -> Figures:
    """Grow the state, then kill and start the flow, and say how long it took.

    Raises ProjectError for a project that has no labels to withhold.
    """
    if project.label is None:
        raise ProjectError(f"{project.slug} waits for no labels, so nothing makes its state grow")
    async with surroundings(project, 1, options.broker, flow_metrics_port=free_port()) as place:
        await asyncio.to_thread(ensure_topics, project, place.settings)
        await make_recovery(place, 1)
        trial = Trial(place, options.seed)
        state_bytes = await trial.grow(options.waiting)
        starts = [await trial.restart() for _ in range(options.restarts)]
    seconds, processor = zip(*starts, strict=True)
    return {
        "state_bytes": state_bytes,
        "restarts": len(seconds),
        "seconds": [round(one, 2) for one in seconds],
        "seconds_p50": round(median(seconds), 2),
        "seconds_max": round(max(seconds), 2),
        "processor_seconds_p50": round(median(processor), 2),
        "in_time": max(seconds) <= options.within,
    }


class Trial:
    """A flow that is started and killed over one state."""

    def __init__(self, place: Place, seed: int) -> None:
        self._place = place
        self._watch = Watch(place.project, place.settings)
        self._reader = EventReader(place.project)
        self._events = streams.events(place.project.slug, seed=seed)
        self._sent = 0

    async def grow(self, waiting: int) -> int:
        """Let so many predictions wait; returns the bytes of a snapshot of them."""
        await self._send(waiting, labelled=False)
        began = time.time()
        async with self._flow() as flow, Gauges(self._place, flow) as gauges:
            sample = await gauges.until(lambda sample: sample["events"] >= waiting)
            epochs = sample["epochs"]
            sample = await gauges.until(lambda sample: sample["epochs"] >= epochs + 2)
            await self._until(flow, lambda: self._watch.is_through(self._sent, began))
            _kill(flow)
        return int(sample["state_bytes"])

    async def restart(self) -> tuple[float, float]:
        """From the start of a process to the first new event that readers see learnt.

        Returns seconds by the clock, and those of them that the process kept a processor busy.
        """
        await self._send(FRESH, labelled=True)
        self._watch.look()
        mark = self._watch.mark()
        began = time.time()
        async with self._flow() as flow:
            await self._until(flow, lambda: self._watch.is_past(mark))
            seconds, processor = flow.age, psutil.Process(flow.pid).cpu_times()
            await self._until(flow, lambda: self._watch.is_through(self._sent, began))
            _kill(flow)
        return seconds, processor.user + processor.system

    def _flow(self) -> AbstractAsyncContextManager[Child]:
        return steady_flow(self._place, "-s", "1", entry=ENTRY)

    async def _until(self, flow: Child, reached: Callable[[], bool]) -> None:
        """Look until it is reached. Raises PartError if the flow ends before."""
        self._watch.look()
        while not reached():
            if flow.returncode is not None:
                raise await flow.death()
            await asyncio.sleep(LOOK_SECONDS)
            self._watch.look()

    async def _send(self, count: int, *, labelled: bool) -> None:
        """Put the next generated events on the broker."""
        self._sent += count
        withheld = () if labelled else (self._place.project.label,)
        records = [self._record(event, withheld) for event in islice(self._events, count)]
        await asyncio.to_thread(send, self._place.settings, self._place.project.topic, records)

    def _record(self, event: dict[str, Any], withheld: Collection[str | None]) -> Record:
        values = {name: value for name, value in event.items() if name not in withheld}
        return self._reader.read(msgspec.json.encode(values)).record


def _kill(flow: Child) -> None:
    os.kill(flow.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())

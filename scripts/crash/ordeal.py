"""The run that is disturbed: a flow that is fed, killed and started again, until it may end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from flows.errors import RealtimeError
from scripts.crash.deaths import Death
from scripts.crash.flow import Flow, make_recovery
from scripts.crash.surroundings import Place
from scripts.crash.watch import Watch
from scripts.kafka import Record, Sender
from scripts.stop import Stop

LOOK_SECONDS = 0.03
FEED_SECONDS = 0.2
# How many feeds a life is expected to last; the rest is shared out anew at each.
FEEDS = 40
# A fault that has not struck by then is at a point that this life does not pass.
STRUCK_SECONDS = 6.0
PATIENCE_SECONDS = 120.0
TOLERATED_ENDS = 5

log = logging.getLogger("crash")


class OrdealError(RealtimeError):
    """The flow cannot be brought to do what the test needs."""


class Ordeal:
    """Feeds `records` to a flow that dies `kills` times, and notes what happened."""

    def __init__(self, place: Place, processes: int, records: Sequence[Record], kills: int) -> None:
        self.kinds: Counter[str] = Counter()
        self.points: Counter[str] = Counter()
        self.restarts: list[float] = []
        self.kills = 0
        self.hung = 0
        self.unplanned: list[list[str]] = []
        self.codes: list[int | None] = []
        self.watch = Watch(place.project, place.settings)
        self._place = place
        self._processes = processes
        self._left = list(reversed(records))
        self._wanted = kills
        self._sender = Sender(place.settings, Stop())

    async def run(self, deaths: Iterator[Death], events: int) -> None:
        """Kill as often as wanted, then let the flow take in the rest, `events` in all, and end.

        Raises OrdealError when the flow makes no progress, or keeps ending by itself.
        """
        await make_recovery(self._place, self._processes)
        while self.kills < self._wanted:
            await self._live(next(deaths))
        await self._feed(len(self._left))
        began = time.time()
        flow = await Flow.start(self._place, self._processes)
        await self._until(flow, lambda: self.watch.is_through(events, began))
        if not flow.running:
            await flow.gone()
            raise OrdealError(f"the last flow ended by itself:\n{_quote(flow.lines)}")
        self.codes = await flow.drain()
        self.watch.look()

    async def _live(self, death: Death) -> None:
        """One life: something new to learn right at its start, more while it lasts, its end."""
        await self._feed(max(1, self._portion()))
        self.watch.look()
        mark = self.watch.mark()
        armed = dict.fromkeys(death.victims, death.seed) if death.kind == "inside" else None
        flow = await Flow.start(self._place, self._processes, armed)
        feeding = asyncio.create_task(self._keep_feeding(flow))
        try:
            await self._until_death(flow, death, mark)
        finally:
            await flow.gone()
            await feeding
        self._note(flow, death)

    async def _until_death(self, flow: Flow, death: Death, mark: dict[int, str]) -> None:
        if death.kind == "early":
            await self._until(flow, lambda: flow.age >= death.seconds)
            flow.formed = self.watch.is_past(mark)
        else:
            await self._until(flow, lambda: self.watch.is_past(mark))
            flow.formed = self.watch.is_past(mark)
            self.restarts += [flow.age] * flow.formed
            seconds = death.seconds if death.kind == "outside" else STRUCK_SECONDS
            end = time.monotonic() + seconds
            await self._until(flow, lambda: time.monotonic() >= end)
        if flow.running:
            flow.kill(death.victims)

    async def _until(self, flow: Flow, reached: Callable[[], bool]) -> None:
        """Look until it is reached or a process has ended."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while flow.running:
            self.watch.look()
            if reached():
                return
            if time.monotonic() > deadline:
                await flow.gone()
                raise OrdealError(f"the flow makes no progress:\n{_quote(flow.lines)}")
            await asyncio.sleep(LOOK_SECONDS)
        self.watch.look()

    def _note(self, flow: Flow, death: Death) -> None:
        self.hung += flow.hung
        if flow.killed:
            self.kills += 1
            self.kinds["outside" if death.kind == "inside" and not flow.point else death.kind] += 1
            self.points.update([flow.point] if flow.point else [])
            log.info("%d of %d kills: %s", self.kills, self._wanted, flow.point or death.kind)
            return
        self.unplanned.append(flow.lines[-40:])
        if len(self.unplanned) > TOLERATED_ENDS:
            raise OrdealError(f"the flow keeps ending by itself:\n{_quote(flow.lines)}")

    async def _keep_feeding(self, flow: Flow) -> None:
        while flow.running:
            await asyncio.sleep(FEED_SECONDS)
            await self._feed(self._portion())

    def _portion(self) -> int:
        """A share of what is left, so small that every life to come has something to learn."""
        lives = max(1, self._wanted - self.kills)
        return max(0, len(self._left) - lives) // (FEEDS * lives)

    async def _feed(self, count: int) -> None:
        records = [self._left.pop() for _ in range(min(count, len(self._left)))]
        await asyncio.to_thread(self._send, records)

    def _send(self, records: Sequence[Record]) -> None:
        for record in records:
            self._sender.send(self._place.project.topic, record)
        self._sender.finish()


def _quote(lines: Sequence[str]) -> str:
    return "\n".join(lines[-40:])

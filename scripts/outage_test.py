"""`python -m scripts.outage_test`: take Kafka, Redis, MLflow and the lake away under load.

Each is away for a while as dead, as silent, or as empty, while events keep coming. The flow must
wait or buffer, go on by itself, and leave what an undisturbed run leaves. Exit code 1 unless so.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import Any

from flows.projects.spec import Project
from scripts.crash.account import compare
from scripts.crash.alone import run_alone
from scripts.crash.command import Figures, answer, parser_of
from scripts.crash.flow import Flow, make_recovery
from scripts.crash.found import Remains
from scripts.crash.ordeal import OrdealError
from scripts.crash.outages import Outage, all_of
from scripts.crash.surroundings import HASTE, Place, surroundings
from scripts.crash.watch import Watch
from scripts.crash_test import BROKEN, make_records
from scripts.kafka import Record, Sender
from scripts.pace import Pace
from scripts.stop import Stop
from scripts.topics import ensure_topics

LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 120.0
CALM_SECONDS = 2.0

log = logging.getLogger("outage")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the test and print one JSON object; returns the exit code."""
    return answer("outage_test", _parse(arguments), run, lambda figures: bool(figures["clean"]))


async def run(project: Project, options: Namespace) -> Figures:
    """One flow, all outages, and the comparison."""
    async with surroundings(project, 1, options.broker, **HASTE) as place:
        await asyncio.to_thread(ensure_topics, project, place.settings)
        trial = Trial(place, options.rate, options.seed)
        outages = [
            one
            for one in all_of(place, options.broker)
            if not options.only or any(name in one.name for name in options.only.split(","))
        ]
        suffered = await trial.run(outages, options.seconds)
        return {**await asyncio.to_thread(_judge, place, trial), "outages": suffered}


class Trial:
    """A flow under load that suffers one outage after the other."""

    def __init__(self, place: Place, rate: float, seed: int) -> None:
        self.codes: list[int | None] = []
        self.sent = 0
        self.watch = Watch(place.project, place.settings)
        self._place = place
        self._rate = rate
        self._seed = seed
        self._stop = Stop()

    async def run(self, outages: Sequence[Outage], seconds: float) -> list[dict[str, Any]]:
        """Raises OrdealError when the flow ends by itself or does not go on."""
        await make_recovery(self._place, 1)
        began = time.time()
        flow = await Flow.start(self._place, 1)
        load = asyncio.create_task(asyncio.to_thread(self._load))
        suffered = []
        try:
            await self._goes_on(flow)
            for outage in outages:
                suffered.append(await self._suffer(flow, outage, seconds))
        finally:
            self._stop.requested = True
            await load
            await self._until(flow, lambda: self.watch.is_through(self.sent, began))
            self.codes = await flow.drain()
            self.watch.look()
        return suffered

    async def _suffer(self, flow: Flow, outage: Outage, seconds: float) -> dict[str, Any]:
        log.info("%s for %g s", outage.name, seconds)
        await outage.begin()
        await asyncio.sleep(seconds)
        await outage.end()
        ended = time.monotonic()
        await self._goes_on(flow)
        back = round(time.monotonic() - ended, 1)
        log.info("%s: learning is seen again after %g s", outage.name, back)
        await asyncio.sleep(CALM_SECONDS)
        return {"outage": outage.name, "seconds": seconds, "seen_again_after": back}

    async def _goes_on(self, flow: Flow) -> None:
        """Wait until readers see something newer than now."""
        self.watch.look()
        mark = self.watch.mark()
        await self._until(flow, lambda: self.watch.is_past(mark))

    async def _until(self, flow: Flow, reached: Any) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not reached():
            if not flow.running or time.monotonic() > deadline:
                await flow.gone()
                raise OrdealError("the flow did not go on:\n" + "\n".join(flow.lines[-40:]))
            await asyncio.sleep(LOOK_SECONDS)
            await asyncio.to_thread(self.watch.look)

    def _load(self) -> None:
        """Send events at the rate until asked to stop; a queue bridges Kafka's outages."""
        options = {**self._place.settings.kafka_options, "delivery.timeout.ms": "600000"}
        settings = self._place.settings.model_copy(update={"kafka_options": options})
        sender, pace = Sender(settings, Stop()), Pace(self._rate)
        for record in self._records():
            if self._stop.requested:
                break
            while not pace.due():
                sender.poll()
            sender.send(self._place.project.topic, record)
            self.sent += record.value != BROKEN
        sender.finish()

    def _records(self) -> Iterator[Record]:
        """Far more than any trial takes; some are no events."""
        for number in range(1_000):
            yield from make_records(self._place.project, 10_000, self._seed + number, 0.02)


def _judge(place: Place, trial: Trial) -> Figures:
    """Compare with an undisturbed run."""
    remains = Remains(place.project, place.settings)
    alone = run_alone(place.project, place.settings, 0)
    verdict = compare(alone.account, remains.account(0))
    stale = remains.is_stale(0) + trial.watch.backwards
    faults = (verdict.lost, verdict.doubled, verdict.wrong, verdict.curve_errors, stale)
    return {
        "clean": not any(faults) and not verdict.learner and set(trial.codes) == {0},
        "rows": sum(len(table) for table in alone.account.tables.values()),
        "lost": verdict.lost,
        "doubled": verdict.doubled,
        "wrong": verdict.wrong,
        "learner_equal": not verdict.learner,
        "learner_differs": verdict.learner,
        "curve_errors": verdict.curve_errors,
        "stale_reads": stale,
        "exit_codes": trial.codes,
    }


def _parse(arguments: Sequence[str] | None) -> Namespace:
    parser = parser_of("outage_test", __doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each is away (60)")
    parser.add_argument("--only", metavar="redis,kafka", help="outages whose name has one of these")
    parser.add_argument("--rate", type=float, default=200.0, help="events per second (200)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

"""`python -m scripts.endurance`: a long run, in which memory and pauses must stay as they were.

Generated events, some of them damaged, go through the real flow and all its sinks. Each block of
events tells memory, snapshots and speed; in the end every message must be one row of both tables or
one dead letter. Exit code 1 unless so.
"""

from __future__ import annotations

import asyncio
import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from flows.projects.spec import Project
from scripts.crash.command import Figures, answer, parser_of
from scripts.crash.damage import mixed
from scripts.crash.flow import make_recovery, steady_flow
from scripts.crash.found import Remains
from scripts.crash.gauges import Gauges, Sample
from scripts.crash.surroundings import Place, surroundings
from scripts.kafka import Record, send
from scripts.local.ports import free_port
from scripts.topics import ensure_topics

# Ten times as often as in production, so that a block has snapshots enough to compare.
EPOCH_SECONDS = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print one JSON object; returns the exit code."""
    parser = parser_of("endurance", __doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="messages in all (1000000)")
    parser.add_argument("--block", type=int, default=100_000, help="events a report (100000)")
    parser.add_argument("--damaged", type=int, default=1_000, help="one in so many (1000)")
    options = parser.parse_args(arguments)
    return answer("endurance", options, run, lambda figures: bool(figures["exact"]))


async def run(project: Project, options: Namespace) -> Figures:
    """Send everything, let the flow take it in, and compare what it left with what was sent."""
    started = time.monotonic()
    async with surroundings(project, 1, options.broker, flow_metrics_port=free_port()) as place:
        await asyncio.to_thread(ensure_topics, project, place.settings)
        sent = Sent()
        messages = mixed(project, options.events, options.damaged, options.seed)
        records = sent.noting(messages)
        await asyncio.to_thread(send, place.settings, project.topic, records)
        await make_recovery(place, 1)
        blocks = Blocks(options.block, len(sent.whole))
        async with steady_flow(place, "-s", str(EPOCH_SECONDS)) as flow:
            async with Gauges(place, flow) as gauges:
                await gauges.until(blocks.take)
            await flow.stop()
        found = await asyncio.to_thread(_compare, place, sent)
        exact = flow.returncode == 0 and not any(found["differences"].values())
    seconds = round(time.monotonic() - started, 1)
    return {"exact": exact, **found, "seconds": seconds, "blocks": blocks.closed}


class Sent:
    """The offsets of what was sent to the only partition of an empty topic, whole or damaged."""

    def __init__(self) -> None:
        self.whole: set[int] = set()
        self.damaged: set[int] = set()

    def noting(self, messages: Iterable[tuple[Record, bool]]) -> Iterator[Record]:
        for offset, (record, whole) in enumerate(messages):
            (self.whole if whole else self.damaged).add(offset)
            yield record


class Blocks:
    """Reports of a flow's `total` events, each of about `size` of them."""

    def __init__(self, size: int, total: int) -> None:
        self.closed: list[Figures] = []
        self._size = size
        self._total = total
        self._snapshots: list[float] = []
        self._first: Sample | None = None
        self._last: Sample | None = None

    def take(self, sample: Sample) -> bool:
        """Take in what the flow tells now; True once all events are in and their epoch closed."""
        if not sample["events"]:
            return False
        first, last = self._first or sample, self._last or sample
        taken = sample["snapshots"] - last["snapshots"]
        if taken:
            self._snapshots.append((sample["snapshot"] - last["snapshot"]) / taken)
        through = sample["events"] >= self._total
        done = through and sample["epochs"] > last["epochs"] and last["events"] >= self._total
        if done or (not through and sample["events"] >= self._size * (len(self.closed) + 1)):
            self._close(first, sample)
            first = sample
        self._first, self._last = first, sample
        return done

    def _close(self, first: Sample, sample: Sample) -> None:
        seconds = sample["time"] - first["time"]
        self.closed.append(
            {
                "events": int(sample["events"]),
                "memory_mb": round(sample["memory"] / 1e6, 1),
                "snapshots": len(self._snapshots),
                "snapshot_ms_p50": _milliseconds(median(self._snapshots or [0.0])),
                "snapshot_ms_max": _milliseconds(max(self._snapshots, default=0.0)),
                "state_bytes": int(sample["state_bytes"]),
                "events_per_second": round((sample["events"] - first["events"]) / (seconds or 1)),
            }
        )
        self._snapshots = []


def _milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 2)


def _compare(place: Place, sent: Sent) -> Figures:
    """What is in the tables and among the dead letters, and how it differs from what was sent."""
    remains, topic = Remains(place.project, place.settings), place.project.topic
    events = Counter(remains.offsets(topic))
    outcomes = Counter(remains.offsets(f"{topic}_outcomes"))
    letters = Counter({at: many for (_, _, at), many in remains.dead_letters().items()})
    pairs = {
        "events": (sent.whole, events),
        "outcomes": (sent.whole, outcomes),
        "dead_letters": (sent.damaged, letters),
    }
    return {
        "sent": {"whole": len(sent.whole), "damaged": len(sent.damaged)},
        "rows": {"events": events.total(), "outcomes": outcomes.total()},
        "dead_letters": letters.total(),
        "differences": {name: _differences(*pair) for name, pair in pairs.items()},
    }


def _differences(wanted: set[int], found: Counter[int]) -> int:
    """How many are missing, foreign, or there too often."""
    once = Counter(wanted)
    return (once - found).total() + (found - once).total()


if __name__ == "__main__":
    sys.exit(main())

"""`python -m scripts.crash_test`: kill a flow again and again; nothing may show that it died.

The flow runs as in production, between a broker, Valkey, MLflow and a lake of its own, and its
processes are killed with SIGKILL: at random moments, and at named ones where it hurts. At the end
all that it left is compared with a run of the same learner that nobody disturbed. Exit code 1
unless nothing differs.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from statistics import median

import msgspec

from flows.errors import BrokerError
from flows.projects.spec import Project
from scripts import streams
from scripts.crash.account import Verdict, compare
from scripts.crash.alone import run_alone
from scripts.crash.command import Figures, answer, parser_of
from scripts.crash.deaths import draw
from scripts.crash.found import Remains
from scripts.crash.ordeal import Ordeal
from scripts.crash.surroundings import HASTE, Place, surroundings
from scripts.kafka import Record
from scripts.records import EventReader
from scripts.topics import ensure_topics

BROKEN_SHARE = 0.005
BROKEN = b"{not an event"
# Every life needs something new to learn while it lasts.
LEAST_EVENTS = 100
MUST_BE_NOTHING = (
    "lost",
    "doubled",
    "wrong",
    "learner_differs",
    "curve_errors",
    "stale_reads",
    "dead_letters_lost",
    "dead_letters_foreign",
    "runs_left_open",
    "unplanned_ends",
    "hung",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the test and print one JSON object; returns the exit code."""
    options = _parse(arguments)
    return answer("crash_test", options, run, lambda figures: exit_code(figures) == 0)


def exit_code(figures: Figures) -> int:
    """0 if nothing shows that the flow ever died."""
    clean = not any(figures[name] for name in MUST_BE_NOTHING)
    return 0 if clean and set(figures["exit_codes"]) == {0} else 1


async def run(project: Project, options: Namespace) -> Figures:
    """Kill as often as wanted, and compare."""
    started = time.monotonic()
    records = list(make_records(project, options.events, options.seed, options.unlabelled))
    good = sum(record.value != BROKEN for record in records)
    async with surroundings(project, options.processes, options.broker, **HASTE) as place:
        await asyncio.to_thread(ensure_topics, project, place.settings)
        ordeal = Ordeal(place, options.processes, records, options.kills)
        await ordeal.run(draw(options.processes, options.seed), good)
        figures = await asyncio.to_thread(_judge, place, ordeal)
    if figures["messages"] != len(records):
        raise BrokerError(f"{len(records)} messages were sent, {figures['messages']} came back")
    return {**_lived(ordeal), **figures, "seconds": round(time.monotonic() - started, 1)}


def make_records(project: Project, events: int, seed: int, unlabelled: float) -> Iterator[Record]:
    """Events of a seed as messages; some have no label, and a few are no events at all."""
    rng = random.Random(f"records/{seed}")  # noqa: S311 - repeatable, not secret
    reader = EventReader(project)
    for value in streams.events(project.slug, seed=seed, count=events):
        if rng.random() < unlabelled:
            for name in project.unknown:
                value.pop(name)
        record = reader.read(msgspec.json.encode(value)).record
        broken = rng.random() < BROKEN_SHARE
        yield Record(record.key, BROKEN, record.time_ms) if broken else record


def _lived(ordeal: Ordeal) -> Figures:
    """How the flow lived and died."""
    restarts = ordeal.restarts
    return {
        "kills": ordeal.kills,
        "killed": dict(sorted(ordeal.kinds.items())),
        "fault_points": dict(sorted(ordeal.points.items())),
        "unplanned_ends": ordeal.unplanned,
        "hung": ordeal.hung,
        "exit_codes": ordeal.codes,
        "restart_seconds_p50": round(median(restarts), 2) if restarts else None,
        "restart_seconds_max": round(max(restarts), 2) if restarts else None,
    }


def _judge(place: Place, ordeal: Ordeal) -> Figures:
    """Compare what the flow left, shard by shard, with undisturbed runs."""
    remains = Remains(place.project, place.settings)
    verdict, rows, events, stale, messages = Verdict(), 0, [], 0, 0
    rejected: set[tuple[str, int, int]] = set()
    for shard in range(place.settings.shards):
        alone = run_alone(place.project, place.settings, shard)
        verdict += compare(alone.account, remains.account(shard))
        counts = {name: len(table) for name, table in alone.account.tables.items()}
        events.append(counts.get(place.project.topic, 0))
        rows += sum(counts.values())
        messages += alone.messages
        rejected |= alone.rejected
        stale += remains.is_stale(shard)
    letters, runs = remains.dead_letters(), remains.runs()
    return {
        "messages": messages,
        "rows": rows,
        "events_per_shard": events,
        "lost": verdict.lost,
        "doubled": verdict.doubled,
        "wrong": verdict.wrong,
        "learner_equal": not verdict.learner,
        "learner_differs": verdict.learner,
        "curve_errors": verdict.curve_errors,
        "stale_reads": stale + ordeal.watch.backwards,
        "dead_letters": len(rejected),
        "dead_letters_lost": len(rejected - letters.keys()),
        "dead_letters_foreign": len(letters.keys() - rejected),
        "dead_letters_repeated": letters.total() - len(letters),
        "mlflow_runs": dict(runs),
        "runs_left_open": runs["RUNNING"],
        "state_bytes": remains.state_bytes(),
    }


def _parse(arguments: Sequence[str] | None) -> Namespace:
    parser = parser_of("crash_test", __doc__)
    parser.add_argument("--events", type=int, default=20_000, metavar="N", help="events (20000)")
    parser.add_argument("--kills", type=int, default=100, metavar="K", help="deaths (100)")
    parser.add_argument(
        "--processes", type=int, default=1, metavar="P", help="processes, each with a shard (1)"
    )
    parser.add_argument(
        "--unlabelled", type=float, default=0.02, metavar="X", help="share without a label (0.02)"
    )
    options = parser.parse_args(arguments)
    if options.events < LEAST_EVENTS * options.kills:
        parser.error(f"--events must be at least {LEAST_EVENTS} times --kills")
    return options


if __name__ == "__main__":
    sys.exit(main())

"""`python -m scripts.evaluate`: test and train a project on a stream, without Kafka."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from flows import projects
from flows.errors import RealtimeError
from scripts import streams
from scripts.streams.drift import KINDS, SEVERITIES, WIDTH, Drift
from scripts.trial import Drawn, Trial

SETTLED_EVENTS = 2_000
"""So many events after a drift, a learner should have found its way."""
JUDGED_EVENTS = 5_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge a project's learner and print what came out."""
    options = _parse(arguments)
    try:
        trial = Trial(projects.get(options.project), options.label_delay)
        trial.run(_drawn(options))
    except (RealtimeError, OSError) as error:
        sys.stderr.write(f"evaluate: {error}\n")
        return 1
    report = trial.report()
    if options.drift:
        report["drift"] = drift_report(trial, options.drift_at)
    sys.stdout.write(json.dumps(report) + "\n" if options.json else _table(report))
    return 0


def drift_report(trial: Trial, at: int) -> dict[str, Any]:
    """What a planted drift did: alarms before and after it, and the score around it.

    `alarm_after`: events from the drift to the first alarm of the errors, None without one.
    """
    alarms = [
        one["events_learned"]
        for one in trial.learner.state.alarms
        if one["watched"] == "error" and one["after"] > one["before"]
    ]
    later = [count - at for count in alarms if count >= at]
    settled = at + SETTLED_EVENTS
    return {
        "at": at,
        "alarms_before": len(alarms) - len(later),
        "alarm_after": later[0] if later else None,
        "score_before": trial.score_between(max(0, at - JUDGED_EVENTS), at),
        "score_during": trial.score_between(at, settled),
        "score_after": trial.score_between(settled, settled + JUDGED_EVENTS),
    }


def _parse(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m scripts.evaluate", description=__doc__)
    add = parser.add_argument
    add("project", metavar="PROJECT", help=", ".join(projects.PROJECTS))
    add("--profile", help="kind of generated stream (living, where there is one)")
    add("--events", type=int, help="how many events")
    add("--seed", type=int, default=0, help="of the generated stream")
    add("--start", type=datetime.fromisoformat, help="date generated events from here")
    add("--input", type=Path, help="a JSONL file instead of a generated stream")
    add("--label-delay", type=int, help="labels come so many events later")
    add("--drift", choices=KINDS, help="plant a drift of this kind")
    add("--drift-at", type=int, metavar="N", help="event it begins with (half of all)")
    add("--drift-severity", choices=list(SEVERITIES), default="severe")
    add("--drift-width", type=int, default=WIDTH, metavar="N", help="events it takes")
    add("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    if options.input is None and options.events is None:
        parser.error("a generated stream has no end: give --events N, or --input FILE")
    if options.input is not None and options.drift:
        parser.error("a drift can only be planted in a generated stream; leave out --input")
    if options.drift_at is None:
        options.drift_at = (options.events or 0) // 2
    return options


def _drawn(options: Namespace) -> Iterator[Drawn]:
    if options.input is None:
        encode = msgspec.json.Encoder().encode
        found = streams.drawn(
            options.project,
            profile=options.profile or streams.default_profile(options.project),
            seed=options.seed,
            start=options.start,
            count=options.events,
            drifts=_drifts(options),
        )
        yield from ((encode(event), truth) for event, truth in found)
        return
    with options.input.open("rb") as file:
        yield from ((line.rstrip(), {}) for line in islice(file, options.events))


def _drifts(options: Namespace) -> list[Drift]:
    if not options.drift:
        return []
    return [Drift(options.drift, options.drift_severity, options.drift_at, options.drift_width)]


def _table(report: dict[str, Any]) -> str:
    half = report["metrics_last_half"]
    rivals = report["challengers"]
    names = "".join(f"{name:>14}" for name in rivals)
    rows = [
        f"{report['project']}: {report['events']} events, {report['events_per_second']} a second,"
        f" {report['state_bytes']} bytes of state",
        f"{'metric':<18}{'all':>12}{'last half':>14}{names}",
    ]
    for name, value in report["metrics"].items():
        beside = [metrics.get(name, float("nan")) for metrics in (half, *rivals.values())]
        rows.append(f"{name:<18}{value:>12.4f}" + "".join(f"{one:>14.4f}" for one in beside))
    if "drift" in report:
        rows.append(f"drift: {json.dumps(report['drift'])}")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.exit(main())

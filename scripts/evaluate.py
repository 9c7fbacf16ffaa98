"""`python -m scripts.evaluate`: test and train a project on a stream, without Kafka."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from flows import projects
from flows.errors import EventError, RealtimeError
from flows.learning import codec
from flows.learning.learner import Learner, Outcome
from flows.projects.spec import Project
from scripts import streams
from scripts.records import EventReader

CHUNK = 1_000


class Trial:
    """Feeds events to a fresh learner; labels come `delay` events after their event, if given."""

    def __init__(self, project: Project, delay: int | None) -> None:
        self.learner = Learner.fresh(project)
        self.events = 0
        self.rejected = 0
        self.seconds = 0.0
        self._project = project
        self._reader = EventReader(project)
        self._delay = delay
        self._owed: deque[tuple[str, Any]] = deque()
        self._scored: list[tuple[Any, Any]] = []

    def run(self, values: Iterator[bytes]) -> None:
        """Take the whole stream; only the learner's time is measured."""
        while chunk := list(islice(values, CHUNK)):
            events = [event for value in chunk if (event := self._decode(value)) is not None]
            started = time.perf_counter()
            for event in events:
                self._take(event)
            self.seconds += time.perf_counter() - started
        while self._owed:
            self._answer()

    def report(self) -> dict[str, Any]:
        """What the stream showed of the learner."""
        state = self.learner.state
        return {
            "project": self._project.slug,
            "events": self.events,
            "rejected": self.rejected,
            "events_per_second": round(self.events / self.seconds) if self.seconds else None,
            "counts": {**state.counts, "pending": len(state.waiting)},
            "state_bytes": len(codec.dumps(state, b"size only")),
            "metrics": state.metrics.values(),
            "metrics_last_half": self._last_half(),
            "alarms": list(state.drift.alarms),
            "report": state.metrics.report(),
        }

    def _decode(self, value: bytes) -> Any | None:
        try:
            return self._reader.read(value).event
        except EventError:
            self.rejected += 1
            return None

    def _take(self, event: Any) -> None:
        project, now = self._project, getattr(event, self._project.time).timestamp()
        self.events += 1
        if self._delay is not None:
            if len(self._owed) >= self._delay:
                self._answer(now)
            self._owed.append((getattr(event, project.event_id), getattr(event, project.label)))
            event = msgspec.structs.replace(event, **{project.label: None})
        self._score(self.learner.observe(event, now)[1])

    def _answer(self, now: float | None = None) -> None:
        event_id, label = self._owed.popleft()
        if label is not None:
            time = self.learner.state.clock if now is None else now
            self._score(self.learner.answer(event_id, label, time))

    def _score(self, outcomes: list[Outcome]) -> None:
        self._scored += [
            (outcome.label, outcome.prediction)
            for outcome in outcomes
            if outcome.status == "matched" and outcome.prediction is not None
        ]

    def _last_half(self) -> dict[str, float]:
        metrics = self._project.task.metrics()
        for label, prediction in self._scored[len(self._scored) // 2 :]:
            metrics.update(label, prediction)
        return metrics.values()


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge a project's learner and print what came out."""
    options = _parse(arguments)
    try:
        trial = Trial(projects.get(options.project), options.label_delay)
        trial.run(_values(options))
    except (RealtimeError, OSError) as error:
        sys.stderr.write(f"evaluate: {error}\n")
        return 1
    report = trial.report()
    sys.stdout.write(json.dumps(report) + "\n" if options.json else _table(report))
    return 0


def _parse(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m scripts.evaluate", description=__doc__)
    parser.add_argument("project", metavar="PROJECT", help=", ".join(projects.PROJECTS))
    parser.add_argument("--profile", default="reference", help="kind of generated stream")
    parser.add_argument("--events", type=int, help="how many events")
    parser.add_argument("--seed", type=int, default=0, help="of the generated stream")
    parser.add_argument("--input", type=Path, help="a JSONL file instead of a generated stream")
    parser.add_argument("--label-delay", type=int, help="labels come so many events later")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    if options.input is None and options.events is None:
        parser.error("a generated stream has no end: give --events N, or --input FILE")
    return options


def _values(options: Namespace) -> Iterator[bytes]:
    if options.input is None:
        encode = msgspec.json.Encoder().encode
        drawn = streams.events(
            options.project, profile=options.profile, seed=options.seed, count=options.events
        )
        yield from map(encode, drawn)
        return
    with options.input.open("rb") as file:
        yield from islice(map(bytes.rstrip, file), options.events)


def _table(report: dict[str, Any]) -> str:
    half = report["metrics_last_half"]
    rows = [
        f"{report['project']}: {report['events']} events, {report['events_per_second']} a second,"
        f" {report['state_bytes']} bytes of state",
        f"{'metric':<18}{'all':>10}{'last half':>12}",
    ]
    rows += [
        f"{name:<18}{value:>10.4f}{half.get(name, float('nan')):>12.4f}"
        for name, value in report["metrics"].items()
    ]
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.exit(main())

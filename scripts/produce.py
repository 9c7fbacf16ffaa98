"""`python -m scripts.produce fraud`: send a project's events to Kafka, generated or from a file.

Ends after --events or the input's last line, and cleanly on SIGTERM or SIGINT. Prints one line of
JSON: {events, labels, failed, seconds, events_per_second}. Exit code 1 if anything went wrong.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import msgspec

from flows import projects, settings
from flows.errors import RealtimeError
from flows.projects.spec import Project
from flows.settings import Settings
from scripts import streams
from scripts.kafka import Record, Sender
from scripts.late_labels import LateLabels
from scripts.pace import Pace
from scripts.produce_options import parse
from scripts.records import EventReader, Read, read_lines
from scripts.stop import Stop, stop_on_signals
from scripts.topics import ensure_topics

PROGRESS_SECONDS = 10.0

log = logging.getLogger("produce")


class Production:
    """Sends the events of one project at a pace, and tells how it goes."""

    def __init__(self, project: Project, settings: Settings, stop: Stop) -> None:
        self._project = project
        self._stop = stop
        self._sender = Sender(settings, stop)
        self._started = self._told = time.monotonic()

    def run(self, reads: Iterator[Read], rate: float, late: LateLabels | None = None) -> None:
        """Send until the reads end or a stop is requested. Raises BrokerError if sending fails."""
        self._started = self._told = time.monotonic()
        try:
            self._send_all(reads, Pace(rate, self.tick), late)
        finally:
            self._sender.finish()

    def tick(self, seconds: float = 0.0) -> None:
        """Spend a moment hearing of deliveries; log progress now and then."""
        self._sender.poll(seconds)
        if time.monotonic() - self._told >= PROGRESS_SECONDS:
            self._told = time.monotonic()
            log.info(
                "%(events)d events, %(labels)d labels, %(events_per_second)g/s", self.summary()
            )

    def summary(self) -> dict[str, float]:
        """What was delivered until now."""
        events = self._sender.delivered[self._project.topic]
        seconds = max(time.monotonic() - self._started, 1e-9)
        return {
            "events": events,
            "labels": self._sender.delivered[self._project.labels_topic],
            "failed": self._sender.failed,
            "seconds": round(seconds, 3),
            "events_per_second": round(events / seconds, 1),
        }

    def _send_all(self, reads: Iterator[Read], pace: Pace, late: LateLabels | None) -> None:
        while not self._stop.requested:
            if not pace.due():
                continue
            read = next(reads, None)
            if read is None:
                break
            self._send(read, late)
            self.tick()
        if late and not self._stop.requested:
            self._send_labels(late.rest())

    def _send(self, read: Read, late: LateLabels | None) -> None:
        record = read.record
        if late:
            self._send_labels(late.due())
            record = late.withhold(read)
        self._sender.send(self._project.topic, record)

    def _send_labels(self, labels: Iterator[Record]) -> None:
        for record in labels:
            self._sender.send(self._project.labels_topic, record)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    try:
        with stop_on_signals() as stop:
            _produce(options, stop)
    except RealtimeError as error:
        log.error("%s", error)
        return 1
    return 0


def _produce(options: Namespace, stop: Stop) -> None:
    project, found = projects.get(options.project), settings.load()
    production = Production(project, found, stop)
    reads = _reads(EventReader(project), options, stop, production.tick)
    late = None if options.label_delay is None else LateLabels(project, options.label_delay)
    ensure_topics(project, found)
    try:
        production.run(islice(reads, options.events), _rate(options), late)
    finally:
        sys.stdout.write(json.dumps(production.summary()) + "\n")


def _reads(
    reader: EventReader, options: Namespace, stop: Stop, idle: Callable[[], None]
) -> Iterator[Read]:
    if options.input:
        read = reader.read_raw if options.raw else reader.read
        return read_lines(options.input, read, stop, idle)
    clock = None if "start" in options.generator else streams.wall_clock
    drawn = streams.events(options.project, clock=clock, **options.generator)
    return (reader.read(msgspec.json.encode(event)) for event in drawn)


def _rate(options: Namespace) -> float:
    """The rate asked for; else the stream's own, or no limit for a file."""
    if options.rate is not None:
        return float(options.rate)
    if options.input:
        return 0.0
    return streams.get(options.project, options.generator["profile"]).rate


if __name__ == "__main__":
    sys.exit(main())

"""`python -m scripts.produce fraud`: send a project's events to Kafka, generated or from a file.

Ends after --events or the input's last line, and cleanly on SIGTERM or SIGINT. While it runs,
`python -m scripts.control` tells it what to do. Prints one line of JSON: {events, labels, failed,
seconds, events_per_second}. Exit code 1 if anything went wrong.
"""

from __future__ import annotations

import json
import logging
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice

import msgspec

from flows import logs, projects, settings
from flows.errors import RealtimeError
from flows.projects.spec import Project
from flows.settings import Settings
from scripts import streams
from scripts.change_log import Chronicle, Lines, changes_topic
from scripts.kafka import Sender
from scripts.late_labels import LateLabels
from scripts.mailbox import Mailbox
from scripts.produce_metrics import ProducerMetrics, served
from scripts.produce_options import parse
from scripts.production import Production
from scripts.records import EventReader, Read, read_lines
from scripts.stop import Stop, stop_on_signals
from scripts.streams import Controls
from scripts.topics import ensure_topics

log = logging.getLogger("produce")

_TEXT = "%(name)s: %(message)s"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format=_TEXT)
    try:
        found = settings.load()
        options = parse(arguments, found)
        logs.configure(found, "producer", _TEXT, project=options.project)
        with stop_on_signals() as stop:
            _produce(options, found, stop)
    except RealtimeError as error:
        log.error("%s", error)
        return 1
    return 0


def _produce(options: Namespace, found: Settings, stop: Stop) -> None:
    project = projects.get(options.project)
    controls = None if options.input else _controls(options)
    sender = Sender(found, stop)
    production = Production(
        project, sender, stop, _rate(options), controls, options.generator.get("profile", "")
    )
    reads = _reads(EventReader(project), options, controls, stop, production.tick)
    late = _late_labels(project, options)
    ensure_topics(project, found, others=[] if controls is None else [changes_topic(project)])
    with ExitStack() as surroundings:
        _surround(production, project, sender, options, found, controls, surroundings)
        try:
            production.run(islice(reads, options.events), late)
        finally:
            sys.stdout.write(json.dumps(production.summary()) + "\n")


def _surround(
    production: Production,
    project: Project,
    sender: Sender,
    options: Namespace,
    found: Settings,
    controls: Controls | None,
    surroundings: ExitStack,
) -> None:
    """Open what the production is seen and steered by."""
    enter = surroundings.enter_context
    if controls is not None:
        changes, truths = enter(Lines(options.log)), enter(Lines(options.truth))
        production.chronicle = Chronicle(project, controls, changes, truths)
    metrics = ProducerMetrics(project, sender, production.status)
    host, port = found.flow_metrics_host, options.metrics_port
    enter(served(metrics, host, port, production.checks()))
    url = found.redis_url.get_secret_value()
    production.mailbox = enter(Mailbox(url, project.slug, production.status))


def _controls(options: Namespace) -> Controls:
    stream = streams.get(options.project, options.generator["profile"])
    return stream.controls(options.drift, options.scenario, options.anomalies)


def _late_labels(project: Project, options: Namespace) -> LateLabels | None:
    if options.label_delay is None and not options.label_missing:
        return None
    seed = options.generator.get("seed", 0)
    return LateLabels(project, options.label_delay, options.label_missing, seed)


def _reads(
    reader: EventReader,
    options: Namespace,
    controls: Controls | None,
    stop: Stop,
    idle: Callable[[], None],
) -> Iterator[Read]:
    if controls is None:
        read = reader.read_raw if options.raw else reader.read
        return read_lines(options.input, read, stop, idle)
    clock = None if "start" in options.generator else streams.wall_clock
    drawn = streams.drawn(options.project, clock=clock, controls=controls, **options.generator)
    return (reader.read(msgspec.json.encode(event), truth) for event, truth in drawn)


def _rate(options: Namespace) -> float:
    """The rate asked for; else the stream's own, or no limit for a file."""
    if options.rate is not None:
        return float(options.rate)
    if options.input:
        return 0.0
    return streams.get(options.project, options.generator["profile"]).rate


if __name__ == "__main__":
    sys.exit(main())

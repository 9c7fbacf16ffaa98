"""The command line of `python -m scripts.produce`."""

from __future__ import annotations

import math
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from flows.projects import PROJECTS
from scripts import streams

RATE_HELP = (
    "events per second; 0 is as fast as possible, and the default for --input;"
    " generated events come at their stream's own rate"
)


def parse(arguments: Sequence[str] | None) -> Namespace:
    """Read the command line. What shapes generated events is in `generator`, where given."""
    parser = ArgumentParser(
        prog="python -m scripts.produce",
        description="Send a project's events to Kafka, generated or from a file.",
    )
    commands = parser.add_subparsers(dest="project", required=True, metavar="PROJECT")
    for project in PROJECTS.values():
        command = commands.add_parser(project.slug, help=project.title)
        _add_common(command)
        _add_generator(command, project.slug)
    options = parser.parse_args(arguments)
    options.generator = _take_generator(options)
    if fault := _contradiction(options):
        parser.error(fault)
    options.generator.setdefault("profile", streams.default_profile(options.project))
    return options


def _add_common(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--rate", type=_rate, metavar="R", help=RATE_HELP)
    add("--events", type=_count, metavar="N", help="end after so many; without it, never")
    add("--input", metavar="FILE", help="send the lines of a JSONL file; - is standard input")
    add("--raw", action="store_true", help="send lines untouched, events or not")
    add(
        "--label-delay",
        type=_count,
        metavar="N",
        help="take labels out and send each N events later",
    )


def _add_generator(parser: ArgumentParser, slug: str) -> None:
    """Add what shapes generated events; what is not given stays away from the namespace."""
    group = parser.add_argument_group("generated events", argument_default=SUPPRESS)
    profiles = streams.profiles(slug)
    group.add_argument("--profile", choices=list(profiles), help="kind of stream")
    group.add_argument("--seed", type=int, help="the same seed gives the same events (0)")
    group.add_argument("--start", type=_time, help="date events from here, not by the clock")
    for name, default, text in _stream_options(slug):
        flag = "--" + name.replace("_", "-")
        group.add_argument(flag, type=type(default), help=f"{text} ({default})", metavar="X")


def _stream_options(slug: str) -> list[tuple[str, Any, str]]:
    """Name, default and help of the options of all profiles of a project, each name once."""
    found = {
        field.name: (field.name, field.default, field.metadata["help"])
        for stream in streams.profiles(slug).values()
        for field in fields(stream.options)
    }
    return list(found.values())


def _take_generator(options: Namespace) -> dict[str, Any]:
    names = {"profile", "seed", "start", *(name for name, *_ in _stream_options(options.project))}
    return {name: value for name, value in vars(options).items() if name in names}


def _contradiction(options: Namespace) -> str:
    """What cannot be had together, or nothing."""
    if options.input and options.generator:
        given = ", ".join("--" + name.replace("_", "-") for name in options.generator)
        return f"--input replaces the generator; leave out {given}"
    if options.raw and not options.input:
        return "--raw sends lines; say which with --input"
    if options.raw and options.label_delay is not None:
        return "--raw leaves lines as they are; leave out --label-delay"
    return ""


def _rate(text: str) -> float:
    rate = float(text)
    if not (math.isfinite(rate) and rate >= 0):
        raise ArgumentTypeError(f"{text} is no rate; give 0 or more events per second")
    return rate


def _count(text: str) -> int:
    count = int(text)
    if count < 0:
        raise ArgumentTypeError(f"{text} is negative; give 0 or more events")
    return count


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ArgumentTypeError(f"{text} has no time zone; append +00:00 for UTC")
    return time

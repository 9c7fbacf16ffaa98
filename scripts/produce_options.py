"""The command line of `python -m scripts.produce`."""

from __future__ import annotations

import math
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from flows.errors import SettingsError
from flows.projects import PROJECTS
from flows.settings import Settings
from scripts import streams
from scripts.label_delay import FORMS, parse_delay
from scripts.streams.drift import WIDTH, Drift, Kind, Severity
from scripts.streams.scenario import Scenario

RATE_HELP = (
    "events per second; 0 is as fast as possible, and the default for --input;"
    " generated events come at their stream's own rate"
)
DELAY_HELP = f"take labels out and send each later: {FORMS}"
DRIFT_HELP = "KIND:SEVERITY:AT:WIDTH, e.g. sudden:severe:20000; may be given again"
SCENARIO_HELP = "NAME:AT:EVENTS:INTENSITY, e.g. attack:5000:1000; may be given again"
PLANNED = ("drift", "scenario", "anomalies", "log", "truth")


def parse(arguments: Sequence[str] | None, settings: Settings) -> Namespace:
    """Read the command line. What shapes generated events is in `generator`, where given.

    Settings are the defaults of what is not given. Raises SettingsError for those that no option
    could have.
    """
    parser = ArgumentParser(
        prog="python -m scripts.produce",
        description="Send a project's events to Kafka, generated or from a file.",
    )
    commands = parser.add_subparsers(dest="project", required=True, metavar="PROJECT")
    for project in PROJECTS.values():
        command = commands.add_parser(project.slug, help=project.title)
        _add_common(command)
        _add_generator(command, project.slug)
        _add_control(command)
    options = parser.parse_args(arguments)
    options.generator = _take_generator(options)
    if fault := _contradiction(options):
        parser.error(fault)
    _fill(options, settings)
    return options


def _add_common(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--rate", type=_rate, metavar="R", help=RATE_HELP)
    add("--events", type=_count, metavar="N", help="end after so many; without it, never")
    add("--input", metavar="FILE", help="send the lines of a JSONL file; - is standard input")
    add("--raw", action="store_true", help="send lines untouched, events or not")
    add("--label-delay", type=_argument(parse_delay), metavar="DELAY", help=DELAY_HELP)
    add("--label-missing", type=_share, metavar="P", help="share of labels that never come")
    add("--metrics-port", type=_count, metavar="PORT", help="serve Prometheus; 0 does not")


def _add_control(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("what happens to generated events")
    add = group.add_argument
    add("--drift", action="append", type=_argument(parse_drift), metavar="D", help=DRIFT_HELP)
    add("--scenario", action="append", type=_argument(parse_scenario), help=SCENARIO_HELP)
    add("--anomalies", type=_share, metavar="P", help="share of events that make no sense")
    add("--log", type=Path, metavar="FILE", help="write each change as a line of JSON")
    add("--truth", type=Path, metavar="FILE", help="write what is true of each event")


def _fill(options: Namespace, settings: Settings) -> None:
    """Take from the settings what the command line left open."""
    for name in ("rate", "label_missing", "metrics_port"):
        if getattr(options, name) is None:
            setattr(options, name, getattr(settings, f"producer_{name}"))
    if options.label_delay is None and settings.producer_label_delay and not options.raw:
        options.label_delay = parse_delay(settings.producer_label_delay)
    if options.raw:
        options.label_missing = 0.0
    if options.input:
        return
    profile = settings.producer_profile or streams.default_profile(options.project)
    options.generator.setdefault("profile", profile)
    if options.drift is None:
        options.drift = [parse_drift(text) for text in _parts(settings.producer_drift)]
    if options.scenario is None:
        options.scenario = [parse_scenario(text) for text in _parts(settings.producer_scenario)]
    if options.anomalies is None:
        options.anomalies = settings.producer_anomalies


def parse_drift(text: str) -> Drift:
    """Read KIND[:SEVERITY[:AT[:WIDTH]]]. Raises SettingsError for what is no drift."""
    kind, severity, at, width = _pad(text, "sudden", "severe", "0", str(WIDTH))
    try:
        return Drift(cast(Kind, kind), cast(Severity, severity), int(at), int(width))
    except ValueError:
        raise SettingsError(f"{text!r} is no drift; give KIND:SEVERITY:AT:WIDTH") from None


def parse_scenario(text: str) -> Scenario:
    """Read NAME[:AT[:EVENTS[:INTENSITY]]]. Raises SettingsError for what is no scenario."""
    name, at, events, intensity = _pad(text, "", "0", "1000", "1")
    try:
        return Scenario(name, int(at), int(events), float(intensity))
    except ValueError:
        raise SettingsError(f"{text!r} is no scenario; give NAME:AT:EVENTS:INTENSITY") from None


def _pad(text: str, *defaults: str) -> list[str]:
    given = text.split(":")
    if len(given) > len(defaults):
        raise SettingsError(f"{text!r} has more than {len(defaults)} parts")
    return [*given, *defaults[len(given) :]]


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _argument(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """What argparse explains when it is refused."""

    def explained(text: str) -> Any:
        try:
            return read(text)
        except SettingsError as error:
            raise ArgumentTypeError(str(error)) from None

    return explained


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
    planned = [name for name in PLANNED if getattr(options, name) is not None]
    if options.input and planned:
        return f"--input replaces the generator; leave out --{', --'.join(planned)}"
    if options.raw and options.label_missing:
        return "--raw leaves lines as they are; leave out --label-missing"
    return ""


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise ArgumentTypeError(f"{text} is no share; give 0 to 1")
    return share


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

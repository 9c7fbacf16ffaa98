"""`python -m scripts.control fraud --rate 50`: tell a running producer what to do, or ask it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

import msgspec

from flows import projects, settings
from flows.errors import ProjectError, RealtimeError, SettingsError
from flows.stores.connection import connect
from flows.stores.production import Command, ProductionStore

FIELDS = (
    *("rate", "burst", "factor", "scenario", "intensity", "seconds"),
    *("drift", "severity", "width", "anomaly_rate"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = _parse(arguments)
    try:
        return _control(options)
    except RealtimeError as error:
        sys.stderr.write(f"control: {error}\n")
        return 1


def _control(options: Namespace) -> int:
    project = projects.get(options.project)
    with connect(settings.load().redis_url.get_secret_value()) as client:
        store = ProductionStore(client, project.slug)
        command = _command(options)
        if command != Command():
            store.tell(command)
        elif not options.show:
            raise SettingsError("nothing to do; say what to change, or --show")
        if options.show:
            _show(store)
    return 0


def _command(options: Namespace) -> Command:
    """Make the command. Raises SettingsError for values that no producer could obey."""
    given: dict[str, Any] = {
        name: value for name in FIELDS if (value := getattr(options, name)) is not None
    }
    if options.state:
        given["state"] = options.state
    if options.end:
        given |= {"scenario": options.end, "intensity": 0.0}
    try:
        return msgspec.convert(given, Command)
    except msgspec.ValidationError as error:
        raise SettingsError(str(error)) from None


def _show(store: ProductionStore) -> None:
    status = store.status()
    if status is None:
        raise ProjectError("no producer tells its status; start `python -m scripts.produce`")
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(status)).decode() + "\n")


def _parse(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m scripts.control", description=__doc__)
    parser.add_argument("project", choices=sorted(projects.PROJECTS))
    add = parser.add_argument
    add("--rate", type=float, help="events a second; 0 is as fast as possible")
    add("--pause", dest="state", action="store_const", const="paused", help="send nothing")
    add("--resume", dest="state", action="store_const", const="running", help="go on sending")
    add("--burst", type=int, metavar="N", help="send so many events at once")
    add("--factor", type=float, help="multiply the rate, for --seconds")
    add("--scenario", metavar="NAME", help="begin a scenario, for --seconds or until --end")
    add("--intensity", type=float, help="of the scenario, up to 1")
    add("--end", metavar="NAME", help="end a scenario")
    add("--seconds", type=float, help="how long")
    add("--drift", metavar="KIND", help="begin a drift: sudden, gradual, incremental, recurring")
    add("--severity", help="of the drift: none, mild, moderate, severe")
    add("--width", type=int, metavar="N", help="events that the drift takes")
    add("--anomalies", dest="anomaly_rate", type=float, metavar="P", help="share of anomalies")
    add("--show", action="store_true", help="print what the producer says of itself")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

"""`python -m scripts.lake show|maintain fraud`: look at the lake's tables, or keep them quick.

`maintain` compacts, writes a checkpoint and deletes what nothing reads any more; flows may write
and readers read meanwhile. Run it daily. Exit code 1 if anything failed.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from flows import projects, settings
from flows.errors import RealtimeError
from scripts.lake_upkeep import RETAIN_HOURS, TARGET_MB, Lake, Upkeep, describe, table_names

log = logging.getLogger("lake")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = _parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    try:
        _tell(_tables(options), options.json)
    except RealtimeError as error:
        log.error("%s", error)
        return 1
    return 0


def _tables(options: Namespace) -> Iterator[dict[str, Any]]:
    """What is told of each table that there is."""
    work = _work(Lake(settings.load()), options)
    for slug in options.project:
        for name in table_names(projects.get(slug)):
            told = work(name)
            if told is None:
                log.info("%s is not made yet: its flow makes it", name)
            else:
                yield told


def _work(lake: Lake, options: Namespace) -> Callable[[str], dict[str, Any] | None]:
    if options.command == "show":
        return lambda name: describe(lake, name)
    return Upkeep(lake, options.retain_hours, options.target_mb).maintain


def _tell(tables: Iterator[dict[str, Any]], as_json: bool) -> None:
    """Write each table's facts as soon as they are known; a line each as JSON."""
    for told in tables:
        text = json.dumps(told) if as_json else "\n".join(_lines(told))
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def _lines(told: dict[str, Any]) -> Iterator[str]:
    yield str(told["table"])
    for name, value in told.items():
        if isinstance(value, list) and name != "logs":
            yield f"  {name:<10} {value[0]:,} -> {value[1]:,}"
        elif name not in ("table", "logs"):
            yield f"  {name:<10} {value:,}"
    for one in told.get("logs", []):
        yield f"  {one['log']}: {one['rows']:,} rows, taken in to offset {one['watermark']}"


def _parse(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m scripts.lake", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _command(commands, "show", "tell what the tables hold")
    upkeep = _command(commands, "maintain", "keep the tables quick")
    upkeep.add_argument("--retain-hours", type=int, default=RETAIN_HOURS, help="default: a week")
    upkeep.add_argument("--target-mb", type=int, default=TARGET_MB, help="size of files to make")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.project) - projects.PROJECTS.keys())
    if unknown:
        parser.error(f"no project {', '.join(unknown)}; known: {', '.join(projects.PROJECTS)}")
    if options.all or not options.project:
        options.project = sorted(projects.PROJECTS)
    return options


def _command(
    commands: argparse._SubParsersAction[ArgumentParser], name: str, purpose: str
) -> ArgumentParser:
    command = commands.add_parser(name, help=purpose)
    command.add_argument("project", nargs="*", help="default: all of them")
    command.add_argument("--all", action="store_true", help="all projects")
    command.add_argument("--json", action="store_true", help="one line of JSON a table")
    return command


if __name__ == "__main__":
    sys.exit(main())

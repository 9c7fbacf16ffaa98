"""The options of `python -m scripts.dead_letters`."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from typing import Any

from flows import projects
from scripts.letter_mending import parse_rename, parse_set

REASONS = ("invalid", "undecodable")

PURPOSE = """Look at a project's dead letters, mend and replay them.

  list fraud --limit 20
  show fraud 7
  replay fraud --offsets 3,7-9 --set 'currency="USD"' --drop note --rename user=user_id --dry-run
  export fraud letters.jsonl    then correct it, then
  replay fraud --edit letters.jsonl
"""


def parse(arguments: Sequence[str] | None) -> Namespace:
    """Read the command line; ends the program where it is wrong."""
    parser = ArgumentParser(
        prog="python -m scripts.dead_letters",
        description=PURPOSE,
        formatter_class=RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, add in {"list": _list, "show": _show, "export": _export, "replay": _replay}.items():
        command = commands.add_parser(name)
        command.add_argument("project", choices=sorted(projects.PROJECTS))
        add(command)
    options = parser.parse_args(arguments)
    if options.command == "replay" and not (options.all or options.offsets or options.edit):
        parser.error("replay what? give --offsets, --all or --edit")
    return options


def _list(command: ArgumentParser) -> None:
    command.add_argument("--limit", type=_positive, help="only the newest so many")
    command.add_argument("--reason", choices=REASONS)
    command.add_argument("--json", action="store_true", help="one line of JSON a letter")


def _show(command: ArgumentParser) -> None:
    command.add_argument("offset", type=int)
    command.add_argument("--partition", type=int, default=0, help="default: 0")


def _export(command: ArgumentParser) -> None:
    command.add_argument("file", help="lines of JSON to correct, for replay --edit")
    command.add_argument("--reason", choices=REASONS)


def _replay(command: ArgumentParser) -> None:
    which = command.add_mutually_exclusive_group()
    which.add_argument("--offsets", type=_told(offsets), help="like 3,7-9")
    which.add_argument("--all", action="store_true", help="all that were not replayed yet")
    command.add_argument("--partition", type=int, default=0, help="of --offsets; default: 0")
    for name, read, told in (
        ("--rename", parse_rename, "old=new; fields are named by paths with dots"),
        ("--drop", str, "a field to leave out"),
        ("--set", parse_set, "field=JSON"),
    ):
        command.add_argument(name, type=_told(read), action="append", default=[], help=told)
    command.add_argument("--edit", help="corrected lines of an exported file")
    command.add_argument("--dry-run", action="store_true", help="only tell what would be sent")


def offsets(text: str) -> list[range]:
    """Read `3,7-9`. Raises ValueError."""
    found = []
    for piece in text.split(","):
        first, _, last = piece.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            raise ValueError(f"{piece!r} is no offset, nor a range like 7-9")
        found.append(range(int(first), int(last or first) + 1))
    return found


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not 1 or more")
    return int(text)


def _told(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Let argparse show why a value cannot be used."""

    def convert(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise ArgumentTypeError(str(error)) from None

    return convert

"""What a recovery directory holds, asked before Bytewax opens it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from bytewax.run import _create_arg_parser

from flows.errors import ConflictError


def directory_of(command: Sequence[str]) -> Path | None:
    """The recovery directory of a `python -m bytewax.run` command; None for any other one."""
    if Path(command[0]).parts[-2:] != ("bytewax", "run.py"):
        return None
    found, _ = _create_arg_parser().parse_known_args(command[1:])
    directory: Path | None = found.recovery_directory
    return directory


def known_parts(directory: Path | None, slug: str) -> frozenset[str]:
    """The input parts whose positions a directory holds for the flow `slug`; none if it is new.

    Raises ConflictError if it holds another flow's: Bytewax would begin anew beside them.
    """
    saved = set() if directory is None else _saved(directory)
    others = {step.split(".")[0] for step, _ in saved} - {slug}
    if others:
        raise ConflictError(
            f"the recovery directory {directory} belongs to {', '.join(sorted(others))}, not to"
            f" {slug}: give each project one of its own (`-r`), made with"
            " `python -m bytewax.recovery DIR 1`"
        )
    return frozenset(key for step, key in saved if step == f"{slug}.kafka")


def _saved(directory: Path) -> set[tuple[str, str]]:
    """All steps and keys that have state in a directory."""
    found: set[tuple[str, str]] = set()
    for path in sorted(directory.glob("part-*.sqlite3")):
        with contextlib.closing(sqlite3.connect(path)) as database:
            found.update(database.execute("SELECT DISTINCT step_id, state_key FROM snaps"))
    return found

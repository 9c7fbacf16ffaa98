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


def resumes(directory: Path | None, slug: str) -> bool:
    """Whether a directory holds positions of the flow `slug`.

    Raises ConflictError if it holds another flow's: Bytewax would begin anew beside them.
    """
    steps = set() if directory is None else _steps(directory)
    others = {step.split(".")[0] for step in steps} - {slug}
    if others:
        raise ConflictError(
            f"the recovery directory {directory} belongs to {', '.join(sorted(others))}, not to"
            f" {slug}: give each project one of its own (`-r`), made with"
            " `python -m bytewax.recovery DIR 1`"
        )
    return f"{slug}.kafka" in steps


def _steps(directory: Path) -> set[str]:
    """The names of all steps that have state in a directory."""
    found: set[str] = set()
    for path in sorted(directory.glob("part-*.sqlite3")):
        with contextlib.closing(sqlite3.connect(path)) as database:
            found |= {step for (step,) in database.execute("SELECT DISTINCT step_id FROM snaps")}
    return found

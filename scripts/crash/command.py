"""What commands that try a whole flow have in common: their options, and their one answer."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Coroutine
from typing import Any

from flows import projects
from flows.errors import RealtimeError
from flows.projects.spec import Project

Figures = dict[str, Any]
Work = Callable[[Project, Namespace], Coroutine[Any, Any, Figures]]


def parser_of(name: str, description: str | None) -> ArgumentParser:
    """The options that all of them know."""
    parser = ArgumentParser(prog=f"python -m scripts.{name}", description=description)
    parser.add_argument("project", choices=list(projects.PROJECTS))
    parser.add_argument("--broker", choices=("embedded", "apache"), default="embedded")
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn (0)")
    parser.add_argument("--json", action="store_true", help="one line instead of one per figure")
    return parser


def answer(
    name: str, options: Namespace, work: Work, is_clean: Callable[[Figures], bool] = bool
) -> int:
    """Do the work and print its figures as one JSON object; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    try:
        figures = asyncio.run(work(projects.get(options.project), options))
    except RealtimeError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 1
    sys.stdout.write(json.dumps(figures, indent=None if options.json else 2) + "\n")
    return 0 if is_clean(figures) else 1

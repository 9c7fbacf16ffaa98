"""`python -m scripts.train_batch`: train a project's model at once on what the lake has kept."""

from __future__ import annotations

import json
import resource
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flows import projects
from flows.batch.order import Order, Progress, silent
from flows.batch.training import Trained, register, train
from flows.errors import RealtimeError
from flows.projects.spec import Project
from flows.settings import load


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, register, and print what came out."""
    options = _parse(arguments)
    try:
        project, settings = projects.get(options.project), load()
        order = Order(options.rows, options.since, options.model)
        trained = train(project, settings, order, silent if options.json else _tell())
        version = None if options.dry_run else register(project, settings, trained)
    except RealtimeError as error:
        sys.stderr.write(f"train_batch: {error}\n")
        return 1
    report = _report(project, trained, version)
    sys.stdout.write(json.dumps(report) + "\n" if options.json else _text(report))
    return 0


def _parse(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m scripts.train_batch", description=__doc__)
    add = parser.add_argument
    add("project", metavar="PROJECT", help=", ".join(projects.PROJECTS))
    add("--rows", type=_count, metavar="N", help="the newest N rows that have labels")
    add("--since", type=_time, metavar="T", help="rows since a time, such as 2026-01-31T12:00")
    add("--model", metavar="NAME", help="one candidate instead of the best of all")
    add("--dry-run", action="store_true", help="train and judge, register nothing")
    add("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is no number of rows")


def _time(text: str) -> datetime:
    """A time; without a zone it is UTC."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no time; give it as 2026-01-31T12:00") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _tell() -> Progress:
    """Say each stage when it begins."""
    last = ""

    def progress(share: float, stage: str) -> None:
        nonlocal last
        if stage != last:
            sys.stderr.write(f"{share:4.0%} {stage}\n")
            last = stage

    return progress


def _report(project: Project, trained: Trained, version: str | None) -> dict[str, Any]:
    frozen = trained.frozen
    return {
        "project": project.slug,
        "version": version,
        "model": frozen.name,
        "rows": frozen.rows,
        "from": _iso(frozen.first_time),
        "to": _iso(frozen.last_time),
        "data": trained.data,
        "score": project.score,
        "candidates": {
            name: scores.get(project.score) for name, scores in trained.candidates.items()
        },
        "metrics": trained.metrics,
        "notes": trained.notes,
        "seconds": round(trained.seconds, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds")


def _text(report: dict[str, Any]) -> str:
    said = "not registered" if report["version"] is None else f"version {report['version']}"
    rows = [
        f"{report['project']}: {report['model']} of {report['rows']} rows, {report['from']} to"
        f" {report['to']}; {said}, {report['seconds']} s, {report['peak_mb']} MB",
        *(
            f"  {name:<24}{report['score']} {_number(score)} on the validation part"
            for name, score in report["candidates"].items()
        ),
        f"{'metric':<24}{'test part':>12}",
        *(f"{name:<24}{_number(value):>12}" for name, value in report["metrics"].items()),
    ]
    return "\n".join(rows) + "\n"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"


if __name__ == "__main__":
    sys.exit(main())

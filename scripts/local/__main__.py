"""`python -m scripts.local`: run the whole platform here until Ctrl-C. `./scripts/up` calls it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from flows import projects, settings
from flows.errors import RealtimeError
from flows.settings import Settings
from scripts.local import ports
from scripts.local.console import Console, table
from scripts.local.plan import Plan, complete
from scripts.local.supervisor import supervise


class AlreadyRunning(RealtimeError):
    """Another supervisor uses the same state."""


def main(argv: list[str] | None = None) -> int:
    """Run the platform. Returns 0, or 1 if it could not start or a part failed."""
    asked = _parser().parse_args(argv)
    try:
        plan = _plan(asked)
        with _alone(plan.data):
            run(plan, complete(settings.load(), plan.data), asked.seconds)
    except RealtimeError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def run(plan: Plan, current: Settings, seconds: float | None) -> None:
    """Run a plan, for `seconds` if given. Raises PortTaken or PartError."""
    chosen = plan.parts(current)
    ports.check(chosen)
    plan.prepare(current)
    width = max(len(part.name) for part in chosen)
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    with contextlib.closing(Console(sys.stdout, plan.data / "logs", width, colour)) as console:
        console.say(f"starting {', '.join(part.name for part in chosen)}")
        asyncio.run(supervise(chosen, console, welcome(plan, current), seconds))
        console.say("all parts have ended")


def welcome(plan: Plan, current: Settings) -> str:
    """The table of addresses that is shown once all is ready."""
    redis = urlsplit(current.redis_url.get_secret_value())
    dashboard = f"http://{current.dashboard_host}:{current.dashboard_port}"
    rows = {
        "Dashboard": dashboard,
        "API": f"{current.api_url}/docs",
        "MLflow": current.mlflow_uri,
        "Kafka": current.kafka_bootstrap,
        "Redis": f"{redis.scheme}://{redis.hostname}:{redis.port}{redis.path}",
        "Lake": current.lake_uri,
        "Logs": str(plan.data / "logs"),
        "Events": f"{plan.rate:g}/s and project, seed {plan.seed}",
    }
    return f"all is ready; Ctrl-C ends it\n{table(rows)}"


def _plan(asked: argparse.Namespace) -> Plan:
    slugs = tuple(dict.fromkeys(asked.only)) or tuple(projects.PROJECTS)
    for slug in slugs:
        projects.get(slug)
    plan = Plan(
        slugs=slugs,
        rate=asked.rate,
        without=frozenset(asked.without),
        data=asked.data,
        broker=asked.broker,
    )
    return plan if asked.seed is None else dataclasses.replace(plan, seed=asked.seed)


@contextlib.contextmanager
def _alone(data: Path) -> Iterator[None]:
    data.mkdir(parents=True, exist_ok=True)
    with (data / "up.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"another ./scripts/up uses {data}; end it first") from None
        yield


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./scripts/up", description="Run the whole platform here until Ctrl-C."
    )
    known = ", ".join(projects.PROJECTS)
    parser.add_argument(
        "--only", type=_names, default=[], metavar="SLUGS", help=f"projects to run, of: {known}"
    )
    parser.add_argument(
        "--rate", type=_positive, default=100.0, help="events per second and project (100)"
    )
    parser.add_argument(
        "--seed", type=int, help="the same seed gives the same events (new at each start)"
    )
    parser.add_argument(
        "--seconds", type=_positive, help="end by itself after this time; 1 if anything failed"
    )
    parser.add_argument(
        "--without",
        type=_names,
        default=[],
        metavar="PARTS",
        help="parts that run elsewhere already, such as broker,mlflow",
    )
    parser.add_argument(
        "--broker",
        choices=("embedded", "apache"),
        default="embedded",
        help="apache: Apache Kafka, which keeps its log; needs Java 17 and Maven (embedded)",
    )
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="the directory of all state (data)"
    )
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


if __name__ == "__main__":
    sys.exit(main())

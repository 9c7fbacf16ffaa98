"""`python -m scripts.bench_api`: how long a prediction takes beside a request that does nothing.

The API serves, from Valkey, a model of each project that has learnt a generated stream. Another
process asks it over 32 connections that stay open, each sending its next request when it has its
answer. Rounds of both routes alternate, so that a machine whose speed drifts does not decide the
ratio; latencies of all rounds are taken together.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import multiprocessing
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from pydantic import SecretStr

from flows import projects
from flows.learning.learner import Learner
from flows.projects.spec import Project
from flows.settings import Settings
from flows.stores.connection import connect
from flows.stores.live import LiveStore
from flows.streaming.publisher import Publisher
from scripts import streams
from scripts.local import parts
from scripts.local.child import Child, Leash
from scripts.local.environment import environment
from scripts.local.ports import free_port

CONNECTIONS = 32
BODIES = 200

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Round:
    """What one process sends: requests taken in turn by each connection, for some seconds."""

    port: int
    requests: tuple[bytes, ...]
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print one JSON object."""
    options = _options(arguments)
    figures = asyncio.run(measure(options))
    sys.stdout.write(json.dumps(figures, indent=None if options.json else 2) + "\n")
    return 0


def _options(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m scripts.bench_api", description=__doc__)
    parser.add_argument("projects", nargs="*", help="which projects (all)")
    parser.add_argument("--events", type=int, default=3_000, help="that the models learn (3000)")
    parser.add_argument("--rounds", type=int, default=4, help="of each route (4)")
    parser.add_argument("--seconds", type=float, default=3.0, help="that a round takes (3)")
    parser.add_argument(
        "--idle",
        default="/livez",
        help="what does nothing (/livez, which is neither measured nor logged; /v2/health/live is)",
    )
    parser.add_argument("--json", action="store_true", help="one line instead of one per figure")
    return parser.parse_args(arguments)


async def measure(options: Namespace) -> Figures:
    """Serve all projects by one API, then ask for each project's predictions."""
    chosen = [projects.get(slug) for slug in options.projects or projects.PROJECTS]
    spawn = multiprocessing.get_context("spawn")
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-api-")))
        settings = await _serve(stack, folder, chosen, options.events)
        pool = stack.enter_context(ProcessPoolExecutor(1, mp_context=spawn))
        figures = {
            project.slug: await _compare(pool, settings.api_port, project, options)
            for project in chosen
        }
    return {
        "connections": CONNECTIONS,
        "idle": options.idle,
        "seconds": options.seconds,
        "projects": figures,
    }


async def _serve(
    stack: AsyncExitStack, folder: Path, chosen: Sequence[Project], events: int
) -> Settings:
    """Start Valkey and the API, and publish what has been learnt in between."""
    settings = _settings(folder)
    env = environment(settings)
    leash = await Leash.start()
    stack.push_async_callback(leash.close)
    url = settings.redis_url.get_secret_value()
    for part in (
        parts.valkey(_port(url), env),
        parts.api(settings.api_host, settings.api_port, env),
    ):
        child = await Child.start(part, leash, _complain)
        stack.push_async_callback(child.stop)
        await child.until_ready()
        if part.name == "valkey":
            await asyncio.to_thread(_publish, settings, chosen, events)
    await asyncio.to_thread(_wait_for_models, settings, chosen)
    return settings


def _settings(folder: Path) -> Settings:
    return Settings(
        _env_file=None,
        redis_url=SecretStr(f"redis://127.0.0.1:{free_port()}/0"),
        api_port=free_port(),
        kafka_bootstrap=f"127.0.0.1:{free_port()}",
        mlflow_uri=f"http://127.0.0.1:{free_port()}",
        lake_uri=str(folder / "lake"),
        signing_key=SecretStr("bench"),
    )


def _publish(settings: Settings, chosen: Sequence[Project], events: int) -> None:
    client = connect(settings.redis_url.get_secret_value())
    for project in chosen:
        learner = Learner.fresh(project, lineage=int(time.time() * 1000))
        for values in _stream(project, events):
            event = msgspec.convert(values, project.event)
            learner.observe(event, getattr(event, project.time).timestamp())
        made = Publisher(project, settings, 0).last_words(learner.state)
        LiveStore(client, project.slug).publish(made.facts, made.model)
    client.close()


def _stream(project: Project, count: int) -> list[dict[str, Any]]:
    profile = streams.default_profile(project.slug)
    return list(streams.events(project.slug, profile=profile, seed=0, count=count))


def _wait_for_models(settings: Settings, chosen: Sequence[Project]) -> None:
    """Raises RuntimeError when the API does not serve what was published."""
    deadline = time.monotonic() + 60
    for project in chosen:
        body = msgspec.json.encode(_stream(project, 1)[0])
        while not _is_answered(settings.api_port, _request(project, body)):
            if time.monotonic() > deadline:
                raise RuntimeError(f"the API predicts nothing for {project.slug}")
            time.sleep(0.2)


def _is_answered(port: int, request: bytes) -> bool:
    try:
        return bool(run_round(Round(port, (request,), 0.0)))
    except RuntimeError:
        return False


def _request(project: Project, body: bytes) -> bytes:
    head = (
        f"POST /projects/{project.slug}/predict HTTP/1.1\r\nHost: bench\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _compare(
    pool: ProcessPoolExecutor, port: int, project: Project, options: Namespace
) -> Figures:
    """Alternate rounds of both routes, after one of each that is not counted."""
    bodies = [msgspec.json.encode(values) for values in _stream(project, BODIES)]
    idle = f"GET {options.idle} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
    routes = {"idle": (idle,), "predict": tuple(_request(project, body) for body in bodies)}
    found: dict[str, list[float]] = {name: [] for name in routes}
    for number, (name, requests) in itertools.product(range(options.rounds + 1), routes.items()):
        seconds = options.seconds if number else min(1.0, options.seconds)
        one = Round(port, requests, seconds)
        latencies = await asyncio.get_running_loop().run_in_executor(pool, run_round, one)
        found[name] += latencies if number else []
    told = {name: _told(latencies) for name, latencies in found.items()}
    ratios = {
        f"{name}_ratio": round(told["predict"][name] / told["idle"][name], 3)
        for name in ("p50", "p99")
    }
    return {**told, **ratios}


def _told(latencies: list[float]) -> Figures:
    """Milliseconds."""
    ordered = sorted(latencies)
    at = {"p50": 0.5, "p99": 0.99}
    last = len(ordered) - 1
    told = {name: round(ordered[round(share * last)] * 1000, 3) for name, share in at.items()}
    return {"requests": len(ordered), **told}


def run_round(one: Round) -> list[float]:
    """Ask over all connections until the time is up; returns every latency in seconds.

    Raises RuntimeError when an answer is none of success.
    """
    return asyncio.run(_ask_all(one))


async def _ask_all(one: Round) -> list[float]:
    until = time.perf_counter() + one.seconds
    asking = [_ask(one, number, until) for number in range(CONNECTIONS)]
    return [latency for each in await asyncio.gather(*asking) for latency in each]


async def _ask(one: Round, number: int, until: float) -> list[float]:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, "127.0.0.1", one.port)
    latencies = []
    try:
        for request in itertools.islice(itertools.cycle(one.requests), number, None):
            began = time.perf_counter()
            await connection.send(request)
            ended = time.perf_counter()
            latencies.append(ended - began)
            if ended >= until:
                return latencies
    finally:
        connection.close()
    return latencies


class Connection(asyncio.Protocol):
    """One request at a time; an answer is complete when its declared length has come."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._received = b""
        self._answered: asyncio.Future[None] | None = None

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or self._answered is None:
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self._answered.set_exception(RuntimeError(self._received.decode(errors="replace")))
            return
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        if len(body) >= length:
            self._answered.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(RuntimeError(f"the API closed a connection: {error}"))

    def send(self, request: bytes) -> asyncio.Future[None]:
        """Send a request; what is returned is done when its answer is there."""
        self._received = b""
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answered

    def close(self) -> None:
        """Give the connection back."""
        self._answered = None
        self._transport.close()


def _port(url: str) -> int:
    return int(url.removesuffix("/0").rsplit(":", 1)[1])


def _complain(name: str, line: str) -> None:
    if " ERROR " in line:
        sys.stderr.write(f"{name}: {line}\n")


if __name__ == "__main__":
    sys.exit(main())

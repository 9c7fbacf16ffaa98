"""What the dashboard's tests share: the real API over real Valkey, and a dashboard in front."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import panel as pn
import uvicorn
from panel.io.threads import StoppableThread
from tornado.ioloop import IOLoop

from api.app import create_app
from dashboard.app import serve
from flows.learning.learner import Learner
from flows.projects import fraud
from flows.projects.spec import Project
from flows.settings import Settings
from flows.stores.live import Facts, LiveStore, Status, Wanted, connect
from scripts.local.ports import free_port
from tests.api_parts import learner_of, publication, teach, until

SOON: dict[str, Any] = {
    "unused_session_lifetime_milliseconds": 15_000,
    "check_unused_sessions_milliseconds": 500,
}
"""After how long the server forgets a session that nobody looks at; a slow machine takes seconds
until a browser begins to look."""


class Api:
    """The API in a thread; it can be stopped and started again on the same port."""

    def __init__(self, settings: Settings, project: Project) -> None:
        self.url = f"http://{settings.api_host}:{settings.api_port}"
        self._settings, self._project = settings, project

    def start(self) -> None:
        app = create_app(self._settings, {self._project.slug: self._project})
        port = self._settings.api_port
        self._server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        until(lambda: self._server.started, "the API")

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()


@dataclass
class Site:
    """A project with its API, its dashboard's address, and a learner to publish."""

    api: Api
    project: Project
    settings: Settings
    store: LiveStore
    learner: Learner
    url: str
    state: Wanted = "running"
    seeds: Iterator[int] = field(default_factory=lambda: iter(range(1, 1_000)))

    def learn(self, count: int = 200) -> None:
        teach(self.learner, count, seed=next(self.seeds))

    def publish(self) -> Facts:
        """Publish the learner as it is, and wait until the API serves it."""
        made = publication(self.learner, self.settings)
        assert self.store.publish(made.facts, made.model)
        until(lambda: self.version() == made.facts.version, "the new version")
        return made.facts

    def beat(self) -> None:
        """Say that the flow is alive, as it would itself."""
        now = time.time()
        self.store.beat(0, Status(time=now, state=self.state, events_per_second=12.5, lag=3))

    @contextmanager
    def heart(self) -> Iterator[None]:
        """Beat until the end."""
        ended = threading.Event()
        thread = threading.Thread(target=self._beat_until, args=(ended,), daemon=True)
        thread.start()
        yield
        ended.set()
        thread.join()

    def _beat_until(self, ended: threading.Event) -> None:
        while not ended.wait(1):
            self.beat()

    def version(self) -> str | None:
        answer = httpx2.get(f"{self.api.url}/projects/{self.project.slug}", timeout=60).json()
        return answer["model"] and str(answer["model"]["version"])


def settings_of(redis_url: str, **others: Any) -> Settings:
    """Settings for an API without Kafka and MLflow, and a dashboard in front of it."""
    port = free_port()
    nowhere = {"kafka_bootstrap": "127.0.0.1:1", "mlflow_uri": "http://127.0.0.1:1"}
    return Settings(
        _env_file=None,
        redis_url=redis_url,
        signing_key="a key for tests",
        api_port=port,
        api_url=f"http://127.0.0.1:{port}",
        dashboard_port=free_port(),
        **{**nowhere, **others},
    )


@contextmanager
def site(
    redis_url: str, slug: str, serving: dict[str, Any] | None = None, **others: Any
) -> Iterator[Site]:
    """Serve one project under a slug of its own, with nothing published yet; `serving` are options
    of the dashboard's server."""
    settings, project = settings_of(redis_url, **others), replace(fraud.PROJECT, slug=slug)
    client, api = connect(redis_url), Api(settings, project)
    api.start()
    dashboard = serve(settings, {slug: project}, **in_a_thread(), **(serving or {}))
    url = f"http://127.0.0.1:{settings.dashboard_port}"
    until(lambda: answers(f"{url}/liveness"), "the dashboard")
    yield Site(api, project, settings, LiveStore(client, slug), learner_of(project, 400), url)
    end(dashboard)
    api.stop()
    client.close()


@contextmanager
def beating(redis_url: str, slug: str, serving: dict[str, Any] | None = None) -> Iterator[Site]:
    """Serve a project that is published and whose flow runs."""
    with site(redis_url, slug, serving) as running:
        running.publish()
        with running.heart():
            yield running


def in_a_thread() -> dict[str, Any]:
    """Options of a server that `end` ends."""
    return {"threaded": True, "verbose": False, "loop": IOLoop(make_current=False)}


@contextmanager
def served(made: Callable[[], Any], **options: Any) -> Iterator[str]:
    """Serve a page of a test's own; `made` makes it for each session. Gives its address."""
    port = free_port()
    fixed: dict[str, Any] = {"port": port, "show": False, "liveness": True}
    server = pn.serve({"/": made}, **fixed, **in_a_thread(), **options)
    url = f"http://127.0.0.1:{port}"
    until(lambda: answers(f"{url}/liveness"), "the server")
    try:
        yield url
    finally:
        end(server)


def end(dashboard: StoppableThread) -> None:
    """End a server, and what its pages began to read meanwhile."""
    dashboard.stop()
    dashboard.join()
    # A thread of its own: Playwright's loop runs in the one of the tests.
    rest = threading.Thread(target=_finish, args=(dashboard.asyncio_loop,))
    rest.start()
    rest.join()


def _finish(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_until_complete(_cancel(asyncio.all_tasks(loop)))
    loop.close()


async def _cancel(reads: set[asyncio.Task[Any]]) -> None:
    for each in reads:
        each.cancel()
    await asyncio.gather(*reads, return_exceptions=True)


def answers(url: str) -> bool:
    """Whether a server is there."""
    try:
        return httpx2.get(url).is_success
    except httpx2.HTTPError:
        return False

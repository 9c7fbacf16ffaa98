"""Real servers for the tests: one of each a session, on free loopback ports."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import hypothesis
import pytest

from flows import projects
from flows.settings import Settings
from scripts.apache_kafka.jars import missing
from scripts.local import parts
from scripts.local.child import Child, Leash, Part
from scripts.local.environment import FRUGAL, environment
from scripts.local.ports import free_port
from scripts.topics import ensure_topics

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# A check that a project fails shows the values that it compared.
pytest.register_assert_rewrite("tests.checks")

# Before anything reads it: numerical libraries and MLflow look at it when imported.
os.environ.update(FRUGAL)

# No test fails because the machine is slow.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


SLOW_FIXTURES = frozenset(
    {"apache_broker", "browser", "mlflow_uri", "new_broker", "redis_server_url", "tracking"}
)
"""Servers that take seconds to start, or to answer."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow whatever needs a slow server; other slow tests say so themselves.

    On CI those are tried once more where they fail, and the summary names each that was: what
    waits for many processes on a full machine is late now and then.
    """
    for item in items:
        needed = set(getattr(item, "fixturenames", ()))
        chosen = getattr(getattr(item, "callspec", None), "params", {})
        texts = {value for value in chosen.values() if isinstance(value, str)}
        if needed & SLOW_FIXTURES or "apache" in texts:
            item.add_marker("slow")
        if os.environ.get("CI") == "true" and item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.flaky(reruns=1))


class Servers:
    """Runs parts of the local platform beside the tests, from a loop in a thread of its own."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        self._thread.start()
        self._leash = self._do(Leash.start())
        return self

    def __exit__(self, *_: object) -> None:
        for child in reversed(self._children):
            self._do(child.stop())
        self._do(self._leash.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def start(self, part: Part) -> Child:
        """Start a part and wait until it is ready; it is stopped when the session ends."""
        child: Child = self._do(Child.start(part, self._leash, self._keep))
        self._children.append(child)
        self._do(child.until_ready())
        return child

    def stop(self, child: Child) -> None:
        """Stop one part before the session's end."""
        self._children.remove(child)
        self._do(child.stop())

    def _keep(self, name: str, line: str) -> None:
        self.lines.append(f"{name}: {line}")

    def _do(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()


@pytest.fixture
def own_document() -> Iterator[None]:
    """A Bokeh document for a test, whatever pages other tests have left behind."""
    from bokeh.document import Document  # it takes long, and only pictures need it
    from bokeh.io.doc import patch_curdoc

    document = Document()
    with patch_curdoc(document):
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium without a window, which a module's tests share."""
    from dashboard.screenshot import started  # it takes long, and few tests need it

    with started() as running:
        yield running


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Starts further parts for a test that needs its own: `servers.start(part)`."""
    with Servers() as running:
        yield running


@pytest.fixture(scope="session")
def part_env() -> dict[str, str]:
    """The environment for parts that read no settings."""
    return environment(Settings(_env_file=None))


@pytest.fixture(scope="session")
def broker(embedded_broker: str) -> str:
    """The bootstrap address of a real Kafka-compatible broker."""
    return embedded_broker


@pytest.fixture(scope="session")
def embedded_broker(servers: Servers, part_env: dict[str, str]) -> str:
    """The broker that needs no Java."""
    port = free_port()
    servers.start(parts.broker(port, "test-cluster", part_env))
    return f"127.0.0.1:{port}"


@pytest.fixture(scope="session")
def apache_broker(
    servers: Servers, part_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The bootstrap address of a real Apache Kafka; skips where it cannot run."""
    if reason := missing():
        pytest.skip(f"no Apache Kafka: {reason}")
    port, directory = free_port(), tmp_path_factory.mktemp("kafka")
    servers.start(parts.apache_kafka(port, directory, "test-cluster", part_env))
    return f"127.0.0.1:{port}"


@pytest.fixture(scope="session", params=["embedded", "apache"])
def any_broker(request: pytest.FixtureRequest) -> str:
    """What uses it runs with each broker."""
    address: str = request.getfixturevalue(f"{request.param}_broker")
    return address


@pytest.fixture(scope="session")
def redis_server_url(servers: Servers, part_env: dict[str, str]) -> str:
    """The URL of a real, empty Redis; skips where `redis-server` is not installed."""
    if shutil.which("redis-server") is None:
        pytest.skip("no `redis-server`; install it")
    port = free_port()
    servers.start(parts.redis_server(port, part_env))
    return f"redis://127.0.0.1:{port}/0"


@pytest.fixture(scope="session", params=["valkey", "redis_server"])
def any_redis_url(request: pytest.FixtureRequest) -> str:
    """What uses it runs with each store."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="session")
def redis_url(valkey_url: str) -> str:
    """The URL of a real Redis-compatible store."""
    return valkey_url


@pytest.fixture(scope="session")
def valkey_url(servers: Servers, part_env: dict[str, str]) -> str:
    """The URL of a real, empty Valkey."""
    port = free_port()
    servers.start(parts.valkey(port, part_env))
    return f"redis://127.0.0.1:{port}/0"


@pytest.fixture(scope="session")
def mlflow_uri(
    servers: Servers, part_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The URI of a real MLflow server on SQLite with proxied artifacts."""
    port = free_port()
    servers.start(parts.mlflow(port, tmp_path_factory.mktemp("mlflow"), part_env))
    return f"http://127.0.0.1:{port}"


@pytest.fixture
def settings(broker: str, redis_url: str, mlflow_uri: str, tmp_path: Path) -> Settings:
    """Settings for the session's servers and a lake of this test's own."""
    return Settings(
        _env_file=None,
        kafka_bootstrap=broker,
        redis_url=redis_url,
        mlflow_uri=mlflow_uri,
        lake_uri=str(tmp_path / "lake"),
        signing_key="a key for tests",
    )


@pytest.fixture(scope="session")
def unique() -> Callable[[str], str]:
    """Makes names that no other test of the session has: `unique("fraud")`."""
    counter = itertools.count()
    return lambda name: f"{name}-{next(counter)}"


@pytest.fixture(scope="module")
def tracking(
    servers: Servers, part_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> str:
    """An MLflow in which nobody has registered a fraud model."""
    port = free_port()
    servers.start(parts.mlflow(port, tmp_path_factory.mktemp("tracking"), part_env))
    return f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def new_broker(servers: Servers, part_env: dict[str, str]) -> Callable[[], str]:
    """Starts a broker whose topics are empty; each is another cluster."""
    numbers = itertools.count()

    def start() -> str:
        port = free_port()
        servers.start(parts.broker(port, f"cluster-{next(numbers)}", part_env))
        return f"127.0.0.1:{port}"

    return start


@pytest.fixture(scope="module")
def surroundings(
    redis_url: str,
    tracking: str,
    new_broker: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., Settings]:
    """Makes settings with an empty broker, Redis database and lake."""
    databases = itertools.count(3)

    def make(**others: Any) -> Settings:
        settings = Settings(
            _env_file=None,
            **{
                "kafka_bootstrap": new_broker(),
                "redis_url": redis_url.removesuffix("/0") + f"/{next(databases)}",
                "mlflow_uri": tracking,
                "lake_uri": str(tmp_path_factory.mktemp("lake")),
                "signing_key": "a key for flows",
                "publish_seconds": 0.1,
                "version_seconds": 3600.0,
                **others,
            },
        )
        ensure_topics(projects.get("fraud"), settings)
        return settings

    return make

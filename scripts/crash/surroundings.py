"""What a flow needs around it, started anew on free ports and ended with the block."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr

from flows.projects.spec import Project
from flows.settings import Settings
from scripts.apache_kafka.serving import Serves
from scripts.local import parts
from scripts.local.child import Child, Leash, Part
from scripts.local.environment import environment
from scripts.local.ports import free_port

Broker = Literal["embedded", "apache"]

# Often enough that a flow that lives for seconds does everything that it does in a day.
HASTE = {"publish_seconds": 0.2, "version_seconds": 2.0}


class Server:
    """A server that can be taken away and brought back."""

    def __init__(self, part: Part, leash: Leash) -> None:
        self.part = part
        self._leash = leash
        self._child: Child | None = None

    async def start(self) -> None:
        """Start it, with whatever it kept. Raises PartError when it does not become ready."""
        self._child = await Child.start(self.part, self._leash, lambda *_: None)
        await self._child.until_ready()

    async def stop(self) -> None:
        """End it; nothing happens if it does not run."""
        child, self._child = self._child, None
        if child is not None:
            await child.stop()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to its processes."""
        if self._child is not None:
            os.killpg(self._child.pid, number)


@dataclass(frozen=True, slots=True)
class Place:
    """Running servers, the settings that lead to them, and a directory of the flow's own."""

    project: Project
    settings: Settings
    folder: Path
    leash: Leash
    servers: dict[str, Server] = field(default_factory=dict)


@asynccontextmanager
async def surroundings(
    project: Project, shards: int, broker: Broker, **told: Any
) -> AsyncIterator[Place]:
    """Start a broker, Valkey and MLflow; `told` are settings of the flow.

    Raises PartError when one does not become ready.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crash-")))
        settings = _settings(folder, shards, told)
        leash = await Leash.start()
        stack.push_async_callback(leash.close)
        servers = {part.name: Server(part, leash) for part in _servers(settings, folder, broker)}
        for server in servers.values():
            stack.push_async_callback(server.stop)
            await server.start()
        yield Place(project, settings, folder, leash, servers)


def _settings(folder: Path, shards: int, told: dict[str, Any]) -> Settings:
    return Settings(
        _env_file=None,
        **told,
        kafka_bootstrap=f"127.0.0.1:{free_port()}",
        redis_url=SecretStr(f"redis://127.0.0.1:{free_port()}/0"),
        mlflow_uri=f"http://127.0.0.1:{free_port()}",
        lake_uri=str(folder / "lake"),
        signing_key=SecretStr("crash"),
        shards=shards,
    )


def _servers(settings: Settings, folder: Path, broker: Broker) -> list[Part]:
    env = environment(settings)
    make_broker = _apache if broker == "apache" else _embedded
    return [
        make_broker(_port(settings.kafka_bootstrap), folder, env),
        parts.valkey(_port(settings.redis_url.get_secret_value()), env),
        parts.mlflow(_port(settings.mlflow_uri), folder / "mlflow", env),
    ]


def _embedded(port: int, _folder: Path, env: dict[str, str]) -> Part:
    return parts.broker(port, "crash", env)


def _apache(port: int, folder: Path, env: dict[str, str]) -> Part:
    run = (sys.executable, "-m", "scripts.apache_kafka", "run")
    where = ("--port", str(port), "--data", str(folder / "kafka"))
    return Part(name="broker", argv=(*run, *where), ready=Serves(port), env=env, port=port)


def _port(address: str) -> int:
    return int(address.removesuffix("/0").rsplit(":", 1)[1])

"""What a flow needs around it, started anew on free ports and ended with the block."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from flows.projects.spec import Project
from flows.settings import Settings
from scripts.local import parts
from scripts.local.child import Child, Leash, Part
from scripts.local.environment import environment
from scripts.local.ports import free_port

Broker = Literal["embedded", "apache"]

# Often enough that a flow that lives for seconds does everything that it does in a day.
PUBLISH_SECONDS = 0.2
VERSION_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Place:
    """Running servers, the settings that lead to them, and a directory of the flow's own."""

    project: Project
    settings: Settings
    folder: Path
    leash: Leash


@asynccontextmanager
async def surroundings(project: Project, shards: int, broker: Broker) -> AsyncIterator[Place]:
    """Start a broker, Valkey and MLflow. Raises PartError when one does not become ready."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crash-")))
        settings = _settings(folder, shards)
        leash = await Leash.start()
        stack.push_async_callback(leash.close)
        for part in _servers(settings, folder, broker):
            child = await Child.start(part, leash, lambda *_: None)
            stack.push_async_callback(child.stop)
            await child.until_ready()
        yield Place(project, settings, folder, leash)


def _settings(folder: Path, shards: int) -> Settings:
    return Settings(
        _env_file=None,
        kafka_bootstrap=f"127.0.0.1:{free_port()}",
        redis_url=SecretStr(f"redis://127.0.0.1:{free_port()}/0"),
        mlflow_uri=f"http://127.0.0.1:{free_port()}",
        lake_uri=str(folder / "lake"),
        signing_key=SecretStr("crash"),
        shards=shards,
        publish_seconds=PUBLISH_SECONDS,
        version_seconds=VERSION_SECONDS,
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
    import sys

    from scripts.apache_kafka.serving import Serves

    run = (sys.executable, "-m", "scripts.apache_kafka", "run")
    where = ("--port", str(port), "--data", str(folder / "kafka"))
    return Part(name="broker", argv=(*run, *where), ready=Serves(port), env=env, port=port)


def _port(address: str) -> int:
    return int(address.removesuffix("/0").rsplit(":", 1)[1])

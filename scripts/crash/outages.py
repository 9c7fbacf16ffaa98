"""Ways to take a server away from a running flow, and to bring it back."""

from __future__ import annotations

import asyncio
import signal
from abc import ABC, abstractmethod
from pathlib import Path

from flows.stores.live import connect
from scripts.crash.surroundings import Place, Server


class Outage(ABC):
    """Something that is away between `begin` and `end`."""

    name: str

    @abstractmethod
    async def begin(self) -> None:
        """Take it away."""

    @abstractmethod
    async def end(self) -> None:
        """Bring it back."""


class Death(Outage):
    """A server that ends, and is started again with what it kept."""

    def __init__(self, name: str, server: Server) -> None:
        self.name = name
        self._server = server

    async def begin(self) -> None:
        await self._server.stop()

    async def end(self) -> None:
        await self._server.start()


class Silence(Outage):
    """A server that hangs: connections stand, and no answer comes."""

    def __init__(self, name: str, server: Server) -> None:
        self.name = name
        self._server = server

    async def begin(self) -> None:
        self._server.signal(signal.SIGSTOP)

    async def end(self) -> None:
        self._server.signal(signal.SIGCONT)


class NoLake(Outage):
    """A lake that cannot be reached: a file stands where its directory was."""

    name = "lake away"

    def __init__(self, uri: str) -> None:
        self._path = Path(uri)
        self._kept = self._path.with_name(f"{self._path.name}.kept")

    async def begin(self) -> None:
        self._path.rename(self._kept)
        self._path.touch()

    async def end(self) -> None:
        self._path.unlink()
        self._kept.rename(self._path)


class Emptied(Outage):
    """A Redis that forgets all it had."""

    name = "redis emptied"

    def __init__(self, url: str) -> None:
        self._url = url

    async def begin(self) -> None:
        await asyncio.to_thread(connect(self._url).flushall)

    async def end(self) -> None:
        return None


def all_of(place: Place, broker: str) -> list[Outage]:
    """Every outage that the place can be made to suffer.

    The embedded broker keeps its log in memory, so it can only be made to hang.
    """
    servers = place.servers
    kafka: list[Outage] = [Silence("kafka silent", servers["broker"])]
    if broker == "apache":
        kafka.append(Death("kafka dead", servers["broker"]))
    return [
        *kafka,
        Death("redis dead", servers["valkey"]),
        Silence("redis silent", servers["valkey"]),
        Emptied(place.settings.redis_url.get_secret_value()),
        Death("mlflow dead", servers["mlflow"]),
        Silence("mlflow silent", servers["mlflow"]),
        NoLake(place.settings.lake_uri),
    ]

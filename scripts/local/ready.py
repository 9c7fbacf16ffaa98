"""When a part counts as ready. A check is asked again and again until it says yes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr

from flows.errors import StoreError
from flows.stores.live import LiveStore, connect

PROBE_SECONDS = 2.0


class Running(Protocol):
    """What a check may know of the process that it judges."""

    @property
    def returncode(self) -> int | None: ...

    @property
    def age(self) -> float: ...

    def printed(self, text: str) -> bool: ...


class Ready(Protocol):
    async def __call__(self, process: Running, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class Listens:
    """Ready once something accepts connections on `port`."""

    port: int
    host: str = "127.0.0.1"

    async def __call__(self, _process: Running, /) -> bool:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                _, writer = await asyncio.open_connection(self.host, self.port)
        except (OSError, TimeoutError):
            return False
        writer.close()
        return True


@dataclass(frozen=True, slots=True)
class Answers:
    """Ready once GET `url` (plain HTTP) answers 200."""

    url: str

    async def __call__(self, _process: Running, /) -> bool:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                return await self._status() == 200
        except (OSError, TimeoutError, ValueError, IndexError):
            return False

    async def _status(self) -> int:
        address = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        target = f"{address.path or '/'}?{address.query}"
        request = f"GET {target} HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n\r\n"
        try:
            writer.write(request.encode())
            status_line = await reader.readline()
        finally:
            writer.close()
        return int(status_line.split()[1])


@dataclass(frozen=True, slots=True)
class Prints:
    """Ready once a line that contains `text` was printed."""

    text: str

    async def __call__(self, process: Running, /) -> bool:
        return process.printed(self.text)


@dataclass(frozen=True, slots=True)
class Lives:
    """Ready when still alive `seconds` after its start."""

    seconds: float

    async def __call__(self, process: Running, /) -> bool:
        return process.returncode is None and process.age >= self.seconds


@dataclass(frozen=True, slots=True)
class Beats:
    """Ready once a flow has written its heartbeat to Redis since its start."""

    redis_url: SecretStr
    slug: str

    async def __call__(self, process: Running, /) -> bool:
        since = time.time() - process.age
        return await asyncio.to_thread(self._beaten, since)

    def _beaten(self, since: float) -> bool:
        with contextlib.closing(connect(self.redis_url.get_secret_value())) as client:
            try:
                status = LiveStore(client, self.slug).status()
            except StoreError:
                return False
        return status is not None and status.time >= since


@dataclass(frozen=True, slots=True)
class Finishes:
    """Ready once it ended with exit code 0: a step to be done, not a part to be kept."""

    async def __call__(self, process: Running, /) -> bool:
        return process.returncode == 0

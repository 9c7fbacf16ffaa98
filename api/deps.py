"""What routes ask for, as annotated dependencies."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request

from api.bodies import read_body
from api.instruments import Instruments
from api.platform import Platform, Served
from flows.errors import EventError


async def _platform(request: Request) -> Platform:
    platform: Platform = request.state.platform
    return platform


async def _instruments(request: Request) -> Instruments:
    instruments: Instruments = request.state.instruments
    return instruments


PlatformDep = Annotated[Platform, Depends(_platform)]
InstrumentsDep = Annotated[Instruments, Depends(_instruments)]
BodyDep = Annotated[bytes, Depends(read_body)]


async def _served(
    platform: PlatformDep, project: Annotated[str, Path(description="Slug of a project")]
) -> Served:
    return platform.get(project)


async def _shard(
    platform: PlatformDep,
    shard: Annotated[int, Query(ge=0, description="Which shard's learner")] = 0,
) -> int:
    shards = platform.settings.shards
    if shard >= shards:
        raise EventError(f"shard: {shard} does not exist; give one from 0 to {shards - 1}")
    return shard


ServedDep = Annotated[Served, Depends(_served)]
ShardDep = Annotated[int, Depends(_shard)]

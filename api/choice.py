"""Which of a project's models is to answer: the one that serves unless others are named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import HTTPException

from api.bodies import InvalidBody
from flows.errors import ModelUnavailable, StoreError

if TYPE_CHECKING:
    from api.serving import Follower, Loaded
    from api.versions import VersionReader

SERVING = ""
LIVE = "live"
CHAMPION = "champion"
CHALLENGER = "challenger"
MOST_AT_ONCE = 8
LONGEST_NUMBER = 20
"""Digits; no version has a number of so many."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A model that answers. `alias` is what it is called; `loaded` came with it, and holds it."""

    alias: str
    loaded: Loaded
    model: Any


def names_of(asked: str) -> list[str]:
    """Split what was asked for, such as `champion,challenger`. Raises InvalidBody.

    Nothing asked for is SERVING, the model that serves.
    """
    names = list(dict.fromkeys(name.strip() for name in asked.split(",")))
    if len(names) > MOST_AT_ONCE:
        raise InvalidBody("model", f"{len(names)} models; ask for at most {MOST_AT_ONCE} at once")
    if asked and SERVING in names:
        raise InvalidBody("model", f"a name is missing in {asked!r}; put one beside each comma")
    return names


async def choose(follower: Follower, versions: VersionReader, shard: int, name: str) -> Chosen:
    """Find a model of a shard by its name: SERVING, LIVE, CHAMPION, CHALLENGER, the name of a
    challenger, or the number of a registered version.

    Raises ModelUnavailable when there is none of that kind yet, VersionError for a number that no
    version has, HTTPException 404 for what is none of these, and StoreError when the registry was
    asked and does not answer.
    """
    if name == SERVING:
        return _champion_of(follower.require(shard))
    if name == LIVE:
        return _live(follower, shard)
    slug = follower.project.slug
    if name == CHAMPION:
        return await _champion(follower, versions, shard)
    if name.isascii() and name.isdecimal():
        loaded = await versions.version(slug, shard, int(name[:LONGEST_NUMBER]))
        return Chosen(str(loaded.number), loaded, loaded.predictor.model)
    return _challenger(follower, shard, name)


def _champion_of(loaded: Loaded) -> Chosen:
    return Chosen(loaded.alias, loaded, loaded.predictor.model)


async def _champion(follower: Follower, versions: VersionReader, shard: int) -> Chosen:
    """The registry's; while that is silent, the one that serves, if it came from there."""
    try:
        return _champion_of(await versions.champion(follower.project.slug, shard))
    except StoreError:
        serving = follower.loaded(shard)
        if serving is None or serving.source != "registry":
            raise
        return _champion_of(serving)


def _live(follower: Follower, shard: int) -> Chosen:
    loaded = follower.require(shard)
    if loaded.source != "live":
        slug = follower.project.slug
        raise ModelUnavailable(f"{slug} has no live model; the registry's champion serves instead")
    return _champion_of(loaded)


def _challenger(follower: Follower, shard: int, name: str) -> Chosen:
    loaded = follower.require(shard)
    challengers = loaded.predictor.challengers
    found = next(iter(challengers), None) if name == CHALLENGER else name
    if found is None or found not in challengers:
        known = ", ".join([LIVE, CHAMPION, *([CHALLENGER] if challengers else []), *challengers])
        slug = follower.project.slug
        raise HTTPException(
            404, f"{slug} has no model {name!r}; known: {known}, or the number of a version"
        )
    return Chosen(found, loaded, challengers[found])

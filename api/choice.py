"""Which of a project's models is to answer: the one that serves unless others are named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import HTTPException

from api.bodies import InvalidBody
from flows.errors import ModelUnavailable, StoreError

if TYPE_CHECKING:
    from api.batch_models import BatchReader
    from api.serving import Follower, Loaded
    from api.versions import VersionReader
    from flows.learning.past import Past

SERVING = ""
LIVE = "live"
CHAMPION = "champion"
CHALLENGER = "challenger"
BATCH = "batch"
MOST_AT_ONCE = 8
LONGEST_NUMBER = 20
"""Digits; no version has a number of so many."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A model that answers. `alias` is what it is called; `loaded` came with it, and holds it.

    `frozen`: it was trained in a batch, and is asked for many events at once. `past`: what is
    remembered of earlier events.
    """

    alias: str
    loaded: Loaded
    model: Any
    past: Past | None
    frozen: bool = False


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


async def choose(
    follower: Follower, versions: VersionReader, batch: BatchReader, shard: int, name: str
) -> Chosen:
    """Find a model of a shard by its name: SERVING, LIVE, CHAMPION, CHALLENGER, the name of a
    challenger, BATCH, or the number of a registered version.

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
    if name == BATCH:
        return await _batch(follower, batch, shard)
    if name.isascii() and name.isdecimal():
        loaded = await versions.version(slug, shard, int(name[:LONGEST_NUMBER]))
        return _chosen(str(loaded.number), loaded, loaded.predictor.model)
    return _challenger(follower, shard, name)


def _champion_of(loaded: Loaded) -> Chosen:
    return _chosen(loaded.alias, loaded, loaded.predictor.model)


def _chosen(alias: str, loaded: Loaded, model: Any) -> Chosen:
    return Chosen(alias, loaded, model, loaded.predictor.past)


async def _batch(follower: Follower, batch: BatchReader, shard: int) -> Chosen:
    """The newest of the batch models; what is remembered of earlier events is the flow's.

    Without a flow, what was remembered when it was trained.
    """
    found = await batch.model(follower.project.slug)
    serving = follower.loaded(shard)
    if serving is None:
        return Chosen(BATCH, found.loaded, found.frozen, found.frozen.past, frozen=True)
    predictor = serving.predictor
    return Chosen(BATCH, found.loaded, found.with_histories(predictor), predictor.past, frozen=True)


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
        others = [CHALLENGER, *challengers] if challengers else []
        known = ", ".join([LIVE, CHAMPION, *others, BATCH])
        slug = follower.project.slug
        raise HTTPException(
            404, f"{slug} has no model {name!r}; known: {known}, or the number of a version"
        )
    return _chosen(found, loaded, challengers[found])

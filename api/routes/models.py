"""Versions in the MLflow registry, and which of them and of the challengers leads."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.concurrency import run_in_threadpool

from api.answers import Json, RegisteredModel, RegisteredModels, Score, moment
from api.bodies import decode
from api.changes import Changer
from api.deps import BodyDep, PlatformDep, ServedDep, ShardDep
from api.life import LARGEST_NUMBER, ChangeHistory, ChangeTold, Comparison, Promotion, Rollback
from api.openapi import accepts, returns
from api.platform import Platform, Served
from flows.projects.spec import Project
from flows.stores.registry import Version

router = APIRouter(prefix="/projects/{project}", tags=["models"])

VersionNumber = Annotated[int, Query(ge=1, le=LARGEST_NUMBER, description="A version's number")]
Events = Annotated[int, Query(ge=1, le=2_000, description="How many of the newest events")]


@router.get("/models", responses=returns(RegisteredModels))
def list_models(platform: PlatformDep, served: ServedDep, shard: ShardDep) -> Json:
    """List a project's newest 200 versions, newest first; older ones are found by number."""
    project = served.project
    versions = platform.registry.versions(project.slug, shard)
    return Json(RegisteredModels([_registered(project, version) for version in versions]))


@router.get("/compare", responses=returns(Comparison))
async def compare_models(
    platform: PlatformDep,
    served: ServedDep,
    shard: ShardDep,
    a: VersionNumber,
    b: VersionNumber,
    events: Events = 500,
) -> Json:
    """Ask two versions for the newest labelled events that the lake has."""
    slug = served.project.slug
    sides = [await platform.versions.version(slug, shard, number) for number in (a, b)]
    compare = platform.comparer.compare
    told = await run_in_threadpool(compare, served.project, shard, sides[0], sides[1], events)
    return Json(told)


@router.get("/models/history", responses=returns(ChangeHistory))
def get_model_history(platform: PlatformDep, served: ServedDep, shard: ShardDep) -> Json:
    """Tell who promoted and rolled back what, when and why; also what waits and was refused."""
    return Json(_changer(platform, served, shard).history())


@router.post(
    "/promote",
    responses={**returns(ChangeTold), **returns(ChangeTold, 202)},
    openapi_extra=accepts(Promotion),
)
def promote_model(platform: PlatformDep, served: ServedDep, shard: ShardDep, body: BodyDep) -> Json:
    """Let a version or a challenger lead; the latter as soon as the flow obeys (202)."""
    told = _changer(platform, served, shard).promote(decode(body, Promotion))
    return Json(told, 202 if told.state == "waiting" else 200)


@router.post("/rollback", responses=returns(ChangeTold, 202), openapi_extra=accepts(Rollback))
def roll_back_model(
    platform: PlatformDep, served: ServedDep, shard: ShardDep, body: BodyDep
) -> Json:
    """Let the flow go back to a version: its learner, its metrics and its offsets."""
    told = _changer(platform, served, shard).roll_back(decode(body, Rollback))
    return Json(told, 202)


@router.get("/models/{version}", responses=returns(RegisteredModel))
def get_registered_model(
    platform: PlatformDep,
    served: ServedDep,
    shard: ShardDep,
    version: Annotated[int, Path(ge=1, le=LARGEST_NUMBER, description="A version's number")],
) -> Json:
    """Tell what one version is."""
    project = served.project
    found = platform.registry.ask(project.slug, lambda registry: registry.version(version, shard))
    return Json(_registered(project, found))


def _changer(platform: Platform, served: Served, shard: int) -> Changer:
    return Changer(served, shard, platform.registry, served.commands)


def _registered(project: Project, version: Version) -> RegisteredModel:
    return RegisteredModel(
        version=version.number,
        aliases=list(version.aliases),
        events_learned=version.events_learned,
        score=None if version.score is None else Score(project.score, version.score),
        created=moment(version.created),
        lineage=version.lineage,
        generation=version.generation,
        metrics=version.metrics,
        offsets=version.offsets,
    )

"""Versions in the MLflow registry."""

from __future__ import annotations

from fastapi import APIRouter

from api.answers import Json, RegisteredModel, RegisteredModels, Score, moment
from api.deps import PlatformDep, ServedDep, ShardDep
from api.openapi import returns
from flows.projects.spec import Project
from flows.stores.registry import Version

router = APIRouter(prefix="/projects/{project}/models", tags=["models"])


@router.get("", responses=returns(RegisteredModels))
def list_models(platform: PlatformDep, served: ServedDep, shard: ShardDep) -> Json:
    """List a project's registered versions, newest first."""
    project = served.project
    versions = platform.registry.versions(project.slug, shard)
    return Json(RegisteredModels([_registered(project, version) for version in versions]))


def _registered(project: Project, version: Version) -> RegisteredModel:
    return RegisteredModel(
        version=version.number,
        aliases=list(version.aliases),
        events_learned=version.events_learned,
        score=None if version.score is None else Score(project.score, version.score),
        created=moment(version.created),
        lineage=version.lineage,
        metrics=version.metrics,
    )

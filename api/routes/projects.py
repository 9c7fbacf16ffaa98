"""What projects there are and how each is doing; answered from memory."""

from __future__ import annotations

import time

from fastapi import APIRouter

from api.answers import (
    Json,
    ProjectDetail,
    ProjectList,
    ProjectSummary,
    QueryText,
    QueryTexts,
    Score,
    ServingModel,
    moment,
)
from api.deps import PlatformDep, ServedDep, ShardDep
from api.openapi import returns
from api.platform import Served
from api.serving import Loaded
from flows.projects.forms import form_fields
from flows.projects.spec import Project
from flows.stores.live import STATUS_SECONDS, Status

router = APIRouter(prefix="/projects", tags=["projects"])


@router.get("", responses=returns(ProjectList))
async def list_projects(platform: PlatformDep) -> Json:
    """List the projects."""
    return Json(ProjectList([_summary(served.project) for served in platform.served.values()]))


@router.get("/{project}", responses=returns(ProjectDetail))
async def get_project(served: ServedDep, shard: ShardDep) -> Json:
    """Tell how a project is doing, with its form and its queries."""
    return Json(_detail(served, shard))


@router.get("/{project}/queries", responses=returns(QueryTexts))
async def list_queries(served: ServedDep) -> Json:
    """List a project's SQL texts, for POST /sql."""
    return Json(QueryTexts(_queries(served.project)))


def _queries(project: Project) -> list[QueryText]:
    return [QueryText(query.title, query.sql) for query in project.queries]


def _summary(project: Project) -> ProjectSummary:
    return ProjectSummary(
        slug=project.slug,
        title=project.title,
        summary=project.summary,
        task=project.task.name,
        topic=project.topic,
        score=project.score,
    )


def _detail(served: Served, shard: int) -> ProjectDetail:
    project, follower = served.project, served.follower
    loaded, status = follower.loaded(shard), _fresh(follower.status(shard))
    facts = loaded.facts if loaded else None
    return ProjectDetail(
        slug=project.slug,
        title=project.title,
        summary=project.summary,
        task=project.task.name,
        topic=project.topic,
        form=form_fields(project.event, hidden=project.hidden),
        queries=_queries(project),
        shard=shard,
        shards=follower.shards,
        state=_state(loaded, status),
        wanted=follower.wanted,
        model=_model(loaded) if loaded else None,
        score=_score(project, loaded) if loaded else None,
        metrics=facts.metrics if facts else {},
        counts=facts.counts if facts else {},
        events_per_second=status.events_per_second if status else None,
        lag=status.lag if status else None,
        alarms=facts.alarms if facts else [],
        labels=facts.labels if facts else None,
        problems=follower.problems(shard),
    )


def _fresh(status: Status | None) -> Status | None:
    """A heartbeat read while Redis still answered may have become too old since."""
    return status if status and time.time() - status.time <= STATUS_SECONDS else None


def _state(loaded: Loaded | None, status: Status | None) -> str:
    if loaded is None:
        return "absent"
    return "stale" if status is None else status.state


def _model(loaded: Loaded) -> ServingModel:
    facts = loaded.facts
    return ServingModel(
        version=facts.version,
        alias=loaded.alias,
        source=loaded.source,
        lineage=facts.lineage,
        generation=facts.generation,
        events_learned=facts.events_learned,
        published_at=moment(facts.published_at),
        age_seconds=loaded.age,
        bytes=loaded.size,
    )


def _score(project: Project, loaded: Loaded) -> Score | None:
    value = loaded.facts.metrics.get(project.score)
    return None if value is None else Score(project.score, value)

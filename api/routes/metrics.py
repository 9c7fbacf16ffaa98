"""Metrics of the models, now and over time."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.answers import History, Json, MetricsNow, moment
from api.deps import PlatformDep, ServedDep, ShardDep
from api.openapi import returns
from flows.stores.live import HISTORY_LENGTH

router = APIRouter(prefix="/projects/{project}/metrics", tags=["metrics"])

Points = Annotated[int, Query(ge=1, le=HISTORY_LENGTH, description="How many of the newest")]


@router.get("", responses=returns(MetricsNow))
async def get_metrics(platform: PlatformDep, served: ServedDep, shard: ShardDep) -> Json:
    """Tell the test-then-train metrics of the model that serves."""
    loaded = served.follower.require(shard)
    facts = loaded.facts
    return Json(
        MetricsNow(
            events_learned=facts.events_learned,
            version=facts.version,
            published_at=moment(facts.published_at),
            age_seconds=loaded.age,
            event_time=None if facts.event_time is None else moment(facts.event_time),
            metrics=facts.metrics,
            challengers=facts.challengers,
            contests=facts.contests,
            leads=facts.leads,
            batch=facts.batch,
            report=facts.report,
            counts=facts.counts,
            served=platform.kept.told(served.project.slug),
        )
    )


@router.get("/history", responses=returns(History))
def get_metrics_history(served: ServedDep, shard: ShardDep, points: Points = 500) -> Json:
    """Tell how the metrics came to be what they are."""
    return Json(History(served.store.history(shard, points)))

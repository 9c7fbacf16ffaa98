"""What is known of a running project: its report, its alarms, its labels; now and as it changes."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from api.answers import Json, moment
from api.deps import PlatformDep, ServedDep, ShardDep
from api.life import Alarms, FactsNow, LabelCoverage, Report
from api.openapi import returns

router = APIRouter(prefix="/projects/{project}", tags=["metrics"])


@router.get("/report", responses=returns(Report))
async def get_report(served: ServedDep, shard: ShardDep) -> Json:
    """Tell what the metrics and the model say beyond numbers, and how challengers stand."""
    facts = served.follower.require(shard).facts
    return Json(
        Report(
            version=facts.version,
            events_learned=facts.events_learned,
            published_at=moment(facts.published_at),
            report=facts.report,
            leads=facts.leads,
            previous=facts.previous,
            contests=facts.contests,
            challengers=facts.challengers,
        )
    )


@router.get("/alarms", responses=returns(Alarms))
async def get_alarms(served: ServedDep, shard: ShardDep) -> Json:
    """Tell when the stream became another one."""
    facts = served.follower.require(shard).facts
    return Json(
        Alarms(
            count=facts.counts.get("alarms", len(facts.alarms)),
            events_learned=facts.events_learned,
            published_at=moment(facts.published_at),
            alarms=facts.alarms,
        )
    )


@router.get("/coverage", responses=returns(LabelCoverage))
async def get_coverage(served: ServedDep, shard: ShardDep) -> Json:
    """Tell how many predictions get their label, and after what time."""
    facts = served.follower.require(shard).facts
    published = moment(facts.published_at)
    return Json(
        LabelCoverage(
            events_learned=facts.events_learned, published_at=published, labels=facts.labels
        )
    )


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": FactsNow.__doc__ or ""}},
)
async def stream_facts(
    platform: PlatformDep, served: ServedDep, shard: ShardDep
) -> StreamingResponse:
    """Send the facts as server-sent events, whenever they change; clients come back by themselves
    when the stream ends."""
    return platform.streams.open(served, shard)

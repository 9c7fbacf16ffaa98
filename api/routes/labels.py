"""Labels that people know: sent to Kafka, where the flow picks them up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, HTTPException
from msgspec import Meta

from api.answers import Json, LabelAccepted
from api.bodies import InvalidBody, decode
from api.deps import BodyDep, PlatformDep, ServedDep
from api.openapi import accepts, returns
from api.platform import Platform
from flows.errors import EventError
from flows.projects.spec import Label, Project
from flows.stores.predictions import PREDICTIONS_KEPT, ServedPrediction

Name = Annotated[str, Meta(min_length=1, max_length=1000)]
Time = Annotated[datetime, Meta(tz=True)]

router = APIRouter(prefix="/projects/{project}", tags=["labels"])


class NewLabel(msgspec.Struct, frozen=True):
    """A label for an event, named by its id or by that of a prediction of it.

    `key` is the event's entity: it decides which shard waits for the label, and is needed where
    there are several and this API has not predicted the event lately. `timestamp` is now when
    missing."""

    label: float | str
    event_id: Name | None = None
    prediction_id: Name | None = None
    timestamp: Time | None = None
    key: Name | None = None


@router.post(
    "/labels",
    status_code=202,
    responses=returns(LabelAccepted, 202),
    openapi_extra=accepts(NewLabel),
)
def send_label(served: ServedDep, platform: PlatformDep, body: BodyDep) -> Json:
    """Send a label to Kafka; answers when the broker has it.

    What this API predicted of the event is scored then; see the metrics' `served`.
    """
    new, project = decode(body, NewLabel), served.project
    value = _checked(project, new)
    record = None if new.prediction_id is None else _predicted(platform, project, new)
    event_id = record.event_id if record else new.event_id
    if event_id is None:
        raise InvalidBody("event_id", "is missing; send it, or a prediction_id")
    label = Label(event_id, value, new.timestamp or datetime.now(UTC))
    known = record.key if record else None
    key = new.key or known or _key(platform, project, event_id)
    put = platform.labels.send(project.labels_topic, key, label)
    platform.kept.label(project.slug, event_id, value)
    return Json(LabelAccepted(event_id, put.topic, put.partition, put.offset), 202)


def _checked(project: Project, new: NewLabel) -> Any:
    if project.label is None:
        raise InvalidBody("label", f"{project.slug} learns without labels; send none")
    try:
        return project.task.check_label(new.label)
    except EventError as error:
        raise InvalidBody("label", str(error)) from None


def _predicted(platform: Platform, project: Project, new: NewLabel) -> ServedPrediction:
    record = platform.kept.find(project.slug, str(new.prediction_id))
    if record is None:
        raise HTTPException(
            404,
            f"{project.slug} keeps no prediction {new.prediction_id!r}: it keeps those of the"
            f" newest {PREDICTIONS_KEPT} events until their label comes; send the event_id",
        )
    if new.event_id not in (None, record.event_id):
        raise InvalidBody("event_id", f"{new.event_id!r}, but {record.event_id!r} was predicted")
    return record


def _key(platform: Platform, project: Project, event_id: str) -> str:
    """The entity of an event that was predicted here; with one shard, anything will do."""
    shards = platform.settings.shards
    if shards == 1:
        return event_id
    record = platform.kept.of(project.slug, event_id)
    if record is None:
        raise InvalidBody("key", f"is missing; with {shards} shards the event's entity is needed")
    return record.key

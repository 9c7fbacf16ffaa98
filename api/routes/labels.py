"""Labels that people know: sent to Kafka, where the flow picks them up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter
from msgspec import Meta

from api.answers import Json, LabelAccepted
from api.bodies import InvalidBody, decode
from api.deps import BodyDep, PlatformDep, ServedDep
from api.openapi import accepts, returns
from flows.errors import EventError
from flows.projects.spec import Label, Project

Name = Annotated[str, Meta(min_length=1, max_length=1000)]
Time = Annotated[datetime, Meta(tz=True)]

router = APIRouter(prefix="/projects/{project}", tags=["labels"])


class NewLabel(msgspec.Struct, frozen=True):
    """A label for an event. `key` is the event's entity: needed where there are several shards,
    since it decides which of them waits for the label. `timestamp` is now when missing."""

    event_id: Name
    label: float | str
    timestamp: Time | None = None
    key: Name | None = None


@router.post(
    "/labels",
    status_code=202,
    responses=returns(LabelAccepted, 202),
    openapi_extra=accepts(NewLabel),
)
def send_label(served: ServedDep, platform: PlatformDep, body: BodyDep) -> Json:
    """Send a label to Kafka; answers when the broker has it."""
    new = decode(body, NewLabel)
    label = _checked(served.project, new)
    key = _key(new, platform.settings.shards)
    put = platform.labels.send(served.project.labels_topic, key, label)
    return Json(LabelAccepted(new.event_id, put.topic, put.partition, put.offset), 202)


def _checked(project: Project, new: NewLabel) -> Label:
    try:
        value = project.task.check_label(new.label)
    except EventError as error:
        raise InvalidBody("label", str(error)) from None
    return Label(new.event_id, value, new.timestamp or datetime.now(UTC))


def _key(new: NewLabel, shards: int) -> str:
    if new.key is None and shards > 1:
        raise InvalidBody("key", f"is missing; with {shards} shards the event's entity is needed")
    return new.key or new.event_id

"""The generator of a project's events: what it does, and what it is told."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.answers import Json, ProducerNow, ProducerTold, StreamChanges
from api.bodies import InvalidBody, decode
from api.deps import BodyDep, ServedDep
from api.openapi import accepts, returns
from flows.stores.production import CHANGES_KEPT, Command

router = APIRouter(prefix="/projects/{project}/producer", tags=["producer"])

Changes = Annotated[int, Query(ge=1, le=CHANGES_KEPT, description="How many of the newest")]


@router.get("", responses=returns(ProducerNow))
def get_producer(served: ServedDep) -> Json:
    """Tell what the project's producer does; `status` is null while none says so."""
    return Json(ProducerNow(served.production.status()))


@router.get("/changes", responses=returns(StreamChanges))
def get_changes(served: ServedDep, changes: Changes = 100) -> Json:
    """Tell which drifts, scenarios and anomalies came into the stream, and when."""
    return Json(StreamChanges(served.production.changes(changes)))


@router.post(
    "", status_code=202, responses=returns(ProducerTold, 202), openapi_extra=accepts(Command)
)
def tell_producer(served: ServedDep, body: BodyDep) -> Json:
    """Leave a command for the producer, which obeys within about a second."""
    command = decode(body, Command)
    if command == Command():
        raise InvalidBody("", "nothing to do; give a rate, state, burst, scenario or drift")
    return Json(ProducerTold(served.production.tell(command)), 202)

"""The generator of a project's events: what it does, and what it is told."""

from __future__ import annotations

from fastapi import APIRouter

from api.answers import Json, ProducerNow, ProducerTold
from api.bodies import InvalidBody, decode
from api.deps import BodyDep, ServedDep
from api.openapi import accepts, returns
from flows.stores.production import Command

router = APIRouter(prefix="/projects/{project}/producer", tags=["producer"])


@router.get("", responses=returns(ProducerNow))
def get_producer(served: ServedDep) -> Json:
    """Tell what the project's producer does; `status` is null while none says so."""
    return Json(ProducerNow(served.production.status()))


@router.post(
    "", status_code=202, responses=returns(ProducerTold, 202), openapi_extra=accepts(Command)
)
def tell_producer(served: ServedDep, body: BodyDep) -> Json:
    """Leave a command for the producer, which obeys within about a second."""
    command = decode(body, Command)
    if command == Command():
        raise InvalidBody("", "nothing to do; give a rate, state, burst, scenario or drift")
    return Json(ProducerTold(served.production.tell(command)), 202)

"""What the flow is told to do."""

from __future__ import annotations

from fastapi import APIRouter

from api.answers import Json, Training
from api.bodies import decode
from api.deps import BodyDep, ServedDep
from api.openapi import accepts, returns

router = APIRouter(prefix="/projects/{project}/training", tags=["training"])


@router.get("", responses=returns(Training))
def get_training(served: ServedDep) -> Json:
    """Tell whether the flow is to learn or to pause."""
    return Json(Training(served.store.wanted()))


@router.put("", responses=returns(Training), openapi_extra=accepts(Training))
def put_training(served: ServedDep, body: BodyDep) -> Json:
    """Let the flow learn or pause; it obeys within about a second."""
    training = decode(body, Training)
    served.store.want(training.wanted)
    return Json(training)

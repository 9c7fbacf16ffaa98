"""What the flow is told to do."""

from __future__ import annotations

from fastapi import APIRouter

from api.answers import Json, Training
from api.bodies import decode
from api.deps import BodyDep, PlatformDep, ServedDep
from api.life import AllTraining
from api.openapi import accepts, returns

router = APIRouter(prefix="/projects/{project}/training", tags=["training"])
all_router = APIRouter(prefix="/training", tags=["training"])


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


@all_router.get("", responses=returns(AllTraining))
def get_all_training(platform: PlatformDep) -> Json:
    """Tell whether each flow is to learn or to pause."""
    wanted = {slug: served.store.wanted() for slug, served in platform.served.items()}
    return Json(AllTraining(wanted))


@all_router.put("", responses=returns(AllTraining), openapi_extra=accepts(Training))
def put_all_training(platform: PlatformDep, body: BodyDep) -> Json:
    """Let all flows learn or pause; those of an installation are told one after the other."""
    training = decode(body, Training)
    for served in platform.served.values():
        served.store.want(training.wanted)
    return Json(AllTraining(dict.fromkeys(platform.served, training.wanted)))

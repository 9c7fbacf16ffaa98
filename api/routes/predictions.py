"""Predictions, and what is needed to ask for one."""

from __future__ import annotations

import random
from typing import Any

from fastapi import APIRouter, Request

from api.answers import Form, Json, PredictionMade, PredictionsMade
from api.bodies import read_body
from api.choice import names_of
from api.deps import ServedDep
from api.instruments import Instruments
from api.openapi import returns, returns_either, returns_object
from api.platform import Platform
from api.predicting import predict as predict_events
from flows.projects.forms import form_fields, random_event

router = APIRouter(prefix="/projects/{project}", tags=["predictions"])

_MODEL = {
    "name": "model",
    "in": "query",
    "required": False,
    "description": "Which model is to answer: live, champion, challenger, the name of a challenger,"
    " batch, or the number of a version; several, separated by commas, answer side by side",
    "schema": {"type": "string"},
}


@router.post(
    "/predict",
    responses=returns_either(PredictionMade, PredictionsMade),
    openapi_extra={"parameters": [_MODEL]},
)
async def predict(request: Request) -> Json:
    """Predict an event, or each event of a list, by the model that serves or by those named.

    Ids and time are made up where missing; a label is ignored.
    """
    # Resolved by hand: dependencies take longer than the prediction.
    platform: Platform = request.state.platform
    instruments: Instruments = request.state.instruments
    served = platform.get(request.path_params["project"])
    events, is_list = served.reader.read_any(await read_body(request))
    asked = request.query_params.get("model", "") if request.scope["query_string"] else ""
    names = names_of(asked)
    made = await predict_events(platform, served, events, names)
    instruments.count_predictions(served.project.slug, made)
    return Json(PredictionsMade(made) if is_list or len(names) > 1 else made[0])


@router.get("/sample", responses=returns_object("An event as Kafka carries it, without its label"))
async def get_sample(served: ServedDep) -> Json:
    """Draw a random event, as the form does; another one each time."""
    project = served.project
    drawn: dict[str, Any] = random_event(
        project.event,
        random.Random(),  # noqa: S311
        hidden=project.hidden,
    )
    return Json(drawn)


@router.get("/schema", responses=returns(Form))
async def get_schema(served: ServedDep) -> Json:
    """Tell what an event consists of: types, choices, ranges, units, help texts."""
    project = served.project
    return Json(
        Form(
            project=project.slug,
            fields=form_fields(project.event, hidden=project.hidden),
            event_id=project.event_id,
            entity=project.entities,
            time=project.time,
            made_up=served.reader.made_up,
        )
    )

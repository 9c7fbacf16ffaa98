"""Predictions, made in the event loop: one costs less than handing it to a thread."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
from fastapi import APIRouter

from api.answers import Json, PredictingModel, PredictionMade, moment
from api.deps import BodyDep, InstrumentsDep, ServedDep
from api.openapi import returns
from api.platform import Served
from api.serving import Loaded
from flows.errors import ModelUnavailable
from flows.sharding import shard_of

REASONS = 6

router = APIRouter(prefix="/projects/{project}", tags=["predictions"])


@router.post("/predict", responses=returns(PredictionMade))
async def predict(served: ServedDep, body: BodyDep, instruments: InstrumentsDep) -> Json:
    """Predict an event; ids and time are made up where missing, its label is ignored."""
    event = served.reader.read(body)
    loaded = _model_for(served, event)
    made = _predict(served, loaded, event)
    instruments.predictions.labels(served.project.slug).inc()
    return Json(made)


def _model_for(served: Served, event: Any) -> Loaded:
    key = served.project.key(event).encode()
    return served.follower.require(shard_of(key, served.follower.shards))


def _predict(served: Served, loaded: Loaded, event: Any) -> PredictionMade:
    project = served.project
    predictor = loaded.predictor
    features = project.inputs(event, predictor.past)
    prediction = project.task.predict(predictor.model, features)
    if prediction is None:
        raise ModelUnavailable(
            f"{project.slug} has learnt too little to answer:"
            f" {loaded.facts.events_learned} labelled events so far; try again later"
        )
    return PredictionMade(
        prediction_id=str(uuid.uuid4()),
        event_id=str(getattr(event, project.event_id)),
        project=project.slug,
        prediction=msgspec.to_builtins(prediction),
        reasons=_reasons(predictor.model, features),
        model=_by(loaded),
    )


def _reasons(model: Any, features: dict[str, Any]) -> dict[str, float] | None:
    """The largest contributions first; None when the model has no way to tell."""
    explain = getattr(model, "explain_one", None)
    if explain is None:
        return None
    contributions = sorted(explain(features).items(), key=lambda item: -abs(item[1]))
    return {str(name): float(value) for name, value in contributions[:REASONS]} or None


def _by(loaded: Loaded) -> PredictingModel:
    facts = loaded.facts
    return PredictingModel(
        version=facts.version,
        alias=loaded.alias,
        source=loaded.source,
        lineage=facts.lineage,
        events_learned=facts.events_learned,
        published_at=moment(facts.published_at),
        age_seconds=loaded.age,
    )

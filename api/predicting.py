"""Events in, predictions out; made in the event loop, since a thread would cost more than one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from api.answers import PredictingModel, PredictionMade, moment
from api.choice import SERVING, Chosen, choose
from api.ids import new_id
from api.platform import Platform, Served
from flows.errors import ModelUnavailable
from flows.projects.spec import Project
from flows.sharding import shard_of
from flows.stores.predictions import ServedPrediction

REASONS = 6
AT_A_TIME = 20
"""So many events are predicted before others get their turn."""


async def predict(
    platform: Platform, served: Served, events: Sequence[Any], names: Sequence[str] = (SERVING,)
) -> list[PredictionMade]:
    """Predict events by the models named, event by event; all of an event's answers together.

    Models are chosen once, so that all events of a shard are answered by the same ones. Raises as
    `choose` does, and ModelUnavailable when a model knows too little.
    """
    follower = served.follower
    chosen: dict[int, list[Chosen]] = {}
    made: list[PredictionMade] = []
    for number, event in enumerate(events, 1):
        key = served.project.key(event)
        shard = shard_of(key.encode(), follower.shards)
        if shard not in chosen:
            chosen[shard] = [
                await choose(follower, platform.versions, shard, name) for name in names
            ]
        for one in chosen[shard]:
            answer = _predict(served.project, one, event)
            made.append(answer)
            platform.kept.keep(served.project.slug, _record(served.project, event, key, answer))
        if number % AT_A_TIME == 0:
            await asyncio.sleep(0)
    return made


def _predict(project: Project, chosen: Chosen, event: Any) -> PredictionMade:
    features = project.inputs(event, chosen.loaded.predictor.past)
    prediction = project.task.answer(chosen.model, features)
    if prediction is None:
        learned = chosen.loaded.facts.events_learned
        raise ModelUnavailable(
            f"{project.slug} has learnt too little to answer:"
            f" {learned} labelled events so far; try again later"
        )
    return PredictionMade(
        prediction_id=new_id(),
        event_id=str(getattr(event, project.event_id)),
        project=project.slug,
        # Encoding makes an object of it; making one here would cost as much again.
        prediction=cast(dict[str, Any], prediction),
        reasons=_reasons(chosen.model, features),
        model=_by(chosen),
    )


def _record(project: Project, event: Any, key: str, made: PredictionMade) -> ServedPrediction:
    """What is to be known of it when the label comes."""
    return ServedPrediction(
        prediction_id=made.prediction_id,
        event_id=made.event_id,
        key=key,
        alias=made.model.alias,
        version=made.model.version,
        time=getattr(event, project.time).timestamp(),
        prediction=made.prediction,
    )


def _reasons(model: Any, features: dict[str, Any]) -> dict[str, float] | None:
    """The largest contributions first; None when the model has no way to tell."""
    explain = getattr(model, "explain_one", None)
    if explain is None:
        return None
    contributions = sorted(explain(features).items(), key=lambda item: -abs(item[1]))
    return {str(name): float(value) for name, value in contributions[:REASONS]} or None


def _by(chosen: Chosen) -> PredictingModel:
    loaded = chosen.loaded
    facts = loaded.facts
    return PredictingModel(
        version=facts.version,
        alias=chosen.alias,
        number=loaded.number,
        source=loaded.source,
        lineage=facts.lineage,
        events_learned=facts.events_learned,
        published_at=moment(facts.published_at),
        age_seconds=loaded.age,
    )

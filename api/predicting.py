"""Events in, predictions out; made in the event loop, since a thread would cost more than one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from starlette.concurrency import run_in_threadpool

from api.answers import PredictingModel, PredictionMade, moment
from api.choice import BATCH, SERVING, Chosen, choose
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
    if BATCH in names:
        return await _predict_with_batch(platform, served, events, names)
    follower = served.follower
    chosen: dict[int, list[Chosen]] = {}
    made: list[PredictionMade] = []
    for number, event in enumerate(events, 1):
        key = served.project.key(event)
        shard = shard_of(key.encode(), follower.shards)
        if shard not in chosen:
            chosen[shard] = [
                await choose(follower, platform.versions, platform.batch, shard, name)
                for name in names
            ]
        for one in chosen[shard]:
            answer = _predict(served.project, one, event)
            made.append(answer)
            platform.kept.keep(served.project.slug, _record(served.project, event, key, answer))
        if number % AT_A_TIME == 0:
            await asyncio.sleep(0)
    return made


async def _predict_with_batch(
    platform: Platform, served: Served, events: Sequence[Any], names: Sequence[str]
) -> list[PredictionMade]:
    """The batch model is asked for all events at once, in a thread: it takes long for one."""
    others = [name for name in names if name != BATCH]
    made = await predict(platform, served, events, others) if others else []
    follower, project = served.follower, served.project
    keys = [project.key(event) for event in events]
    shards = [shard_of(key.encode(), follower.shards) for key in keys]
    chosen = {
        shard: await choose(follower, platform.versions, platform.batch, shard, BATCH)
        for shard in set(shards)
    }
    by = [chosen[shard] for shard in shards]
    told = await run_in_threadpool(_ask_batch, project, by, events)
    answers = [
        _made(project, one, event, prediction)
        for one, event, prediction in zip(by, events, told, strict=True)
    ]
    for event, key, answer in zip(events, keys, answers, strict=True):
        platform.kept.keep(project.slug, _record(project, event, key, answer))
    # Each event's answers stand together, in the order of the names.
    place, width = list(names).index(BATCH), len(others)
    return [
        one
        for number, answer in enumerate(answers)
        for mine in [made[number * width : (number + 1) * width]]
        for one in (*mine[:place], answer, *mine[place:])
    ]


def _ask_batch(project: Project, by: Sequence[Chosen], events: Sequence[Any]) -> list[Any]:
    rows = [
        one.model.row(project.inputs(event, one.past))
        for one, event in zip(by, events, strict=True)
    ]
    return [project.task.told(prediction) for prediction in by[0].model.predict_many(rows)]


def _predict(project: Project, chosen: Chosen, event: Any) -> PredictionMade:
    features = project.inputs(event, chosen.past)
    prediction = project.task.answer(chosen.model, features)
    return _made(project, chosen, event, prediction, features)


def _made(
    project: Project,
    chosen: Chosen,
    event: Any,
    prediction: Any | None,
    features: dict[str, Any] | None = None,
) -> PredictionMade:
    """An answer. Raises ModelUnavailable when nothing was predicted."""
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
        reasons=None if features is None else _reasons(chosen.model, features),
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

"""The Open Inference Protocol: each project is a model, versions are what `?model=` may name."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Path, Request

from api.answers import Json
from api.bodies import InvalidBody, decode, read_body
from api.choice import CHALLENGER, CHAMPION, LIVE, SERVING, choose, names_of
from api.deps import InstrumentsDep, PlatformDep
from api.inference import (
    IndexedModel,
    IndexRequest,
    InferenceRequest,
    InferenceResponse,
    ModelFacts,
    ModelReady,
    ServerFacts,
    ServerLive,
    ServerReady,
)
from api.instruments import Instruments
from api.openapi import accepts, returns, returns_list
from api.platform import Platform, Served
from api.predicting import predict
from api.serving import Follower
from flows.errors import ProjectError, StoreError

router = APIRouter(prefix="/v2", tags=["open inference protocol"])

PLATFORM = "river"
EXTENSIONS = ["model_repository"]


async def _body(request: Request) -> bytes:
    """A client of the protocol may say no type at all; what is asked here changes nothing."""
    return await (read_body(request) if "content-type" in request.headers else request.body())


async def _model(
    platform: PlatformDep, model: Annotated[str, Path(description="Slug of a project")]
) -> Served:
    try:
        return platform.get(model)
    except ProjectError as error:
        raise HTTPException(404, str(error).replace("project", "model", 1)) from None


BodyDep = Annotated[bytes, Depends(_body)]
ModelDep = Annotated[Served, Depends(_model)]
VersionPath = Annotated[str, Path(description="live, champion, a challenger, or a number")]


@router.get("", responses=returns(ServerFacts))
async def get_server(request: Request) -> Json:
    """Say who serves."""
    return Json(ServerFacts("coelho-realtime", request.app.version, EXTENSIONS))


@router.get("/health/live", responses=returns(ServerLive))
async def get_server_live() -> Json:
    """Say that the process answers."""
    return Json(ServerLive(True))


@router.get("/health/ready", responses={**returns(ServerReady), **returns(ServerReady, 503)})
async def get_server_ready(platform: PlatformDep) -> Json:
    """Say whether every model can be asked."""
    ready = all(map(_is_ready, platform.followers))
    return Json(ServerReady(True, ready), 200 if ready else 503)


@router.post(
    "/repository/index",
    responses=returns_list(IndexedModel),
    openapi_extra=accepts(IndexRequest, required=False),
)
async def list_repository(platform: PlatformDep, body: BodyDep) -> Json:
    """List every model, or those that are ready."""
    asked = decode(body, IndexRequest) if body else IndexRequest()
    found = [_indexed(follower) for follower in platform.followers]
    return Json([one for one in found if one.state == "READY" or not asked.ready])


@router.get("/models/{model}", responses=returns(ModelFacts))
async def get_model(served: ModelDep) -> Json:
    """Tell what a model takes and gives."""
    return Json(_facts(served))


@router.get("/models/{model}/versions/{version}", responses=returns(ModelFacts))
async def get_model_version(platform: PlatformDep, served: ModelDep, version: VersionPath) -> Json:
    """Tell what a version takes and gives."""
    await _choose(platform, served, version)
    return Json(_facts(served))


@router.get("/models/{model}/ready", responses={**returns(ModelReady), **returns(ModelReady, 503)})
async def get_model_ready(served: ModelDep) -> Json:
    """Say whether a model can be asked."""
    ready = _is_ready(served.follower)
    return Json(ModelReady(served.project.slug, ready), 200 if ready else 503)


@router.get(
    "/models/{model}/versions/{version}/ready",
    responses={**returns(ModelReady), **returns(ModelReady, 503)},
)
async def get_model_version_ready(
    platform: PlatformDep, served: ModelDep, version: VersionPath
) -> Json:
    """Say whether a version can be asked."""
    try:
        await _choose(platform, served, version)
    except StoreError:
        return Json(ModelReady(served.project.slug, False), 503)
    return Json(ModelReady(served.project.slug, True))


@router.post(
    "/models/{model}/infer",
    responses=returns(InferenceResponse),
    openapi_extra=accepts(InferenceRequest),
)
async def infer(
    platform: PlatformDep, instruments: InstrumentsDep, served: ModelDep, body: BodyDep
) -> Json:
    """Predict events by the model that serves."""
    return Json(await _infer(platform, instruments, served, SERVING, body))


@router.post(
    "/models/{model}/versions/{version}/infer",
    responses=returns(InferenceResponse),
    openapi_extra=accepts(InferenceRequest),
)
async def infer_by_version(
    platform: PlatformDep,
    instruments: InstrumentsDep,
    served: ModelDep,
    version: VersionPath,
    body: BodyDep,
) -> Json:
    """Predict events by a version."""
    return Json(await _infer(platform, instruments, served, version, body))


async def _infer(
    platform: Platform, instruments: Instruments, served: Served, name: str, body: bytes
) -> InferenceResponse:
    asked = decode(body, InferenceRequest)
    events = served.tensors.events(asked.inputs)
    made = await predict(platform, served, events, [_one(name)])
    instruments.count_predictions(served.project.slug, made)
    wanted = None if asked.outputs is None else [output.name for output in asked.outputs]
    model = made[0].model
    facts = {"alias": model.alias, "source": model.source, "events_learned": model.events_learned}
    answer = InferenceResponse(
        model_name=served.project.slug,
        model_version=model.version,
        parameters={**facts, "age_seconds": model.age_seconds},
        outputs=served.tensors.predictions(made, wanted or None),
    )
    if asked.id is not None:
        answer = msgspec.structs.replace(answer, id=asked.id)
    return answer


def _one(name: str) -> str:
    names = names_of(name)
    if len(names) > 1:
        raise InvalidBody("version", f"{name!r} names several; ask for one")
    return names[0]


async def _choose(platform: Platform, served: Served, name: str) -> None:
    for shard in range(served.follower.shards):
        await choose(served.follower, platform.versions, platform.batch, shard, _one(name))


def _is_ready(follower: Follower) -> bool:
    return all(follower.loaded(shard) for shard in range(follower.shards))


def _indexed(follower: Follower) -> IndexedModel:
    slug, loaded = follower.project.slug, follower.loaded()
    if loaded is None or not _is_ready(follower):
        reasons = "; ".join(follower.problems()) or "its flow has published no model yet"
        return IndexedModel(slug, "", "UNAVAILABLE", reasons)
    return IndexedModel(slug, loaded.facts.version, "READY", "")


def _facts(served: Served) -> ModelFacts:
    loaded = served.follower.loaded()
    challengers = list(loaded.predictor.challengers) if loaded else []
    names = [LIVE, CHAMPION, *([CHALLENGER] if challengers else []), *challengers]
    return ModelFacts(
        name=served.project.slug,
        versions=names,
        platform=PLATFORM,
        inputs=served.tensors.inputs,
        outputs=served.tensors.outputs,
    )

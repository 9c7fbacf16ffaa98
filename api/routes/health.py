"""For whoever runs the API: is the process alive, can it do its work, what does it measure."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.answers import Check, Health, Json
from api.deps import InstrumentsDep, PlatformDep
from api.openapi import returns
from api.serving import Follower
from flows.settings import Settings

router = APIRouter(tags=["health"])


@router.get("/livez", responses=returns(Health))
async def livez() -> Json:
    """Say that the process answers."""
    return Json(Health("ok", []))


@router.get("/readyz", responses={**returns(Health), **returns(Health, 503)})
async def readyz(platform: PlatformDep) -> Json:
    """Say whether predictions can be asked for. A project without a model is a warning, since its
    predictions say so themselves; Redis out of reach with no model in memory is a failure."""
    checks = [check for each in platform.followers for check in _checks(each)]
    checks.append(_keys_check(platform.settings))
    silent = all(each.trouble for each in platform.followers)
    empty = not any(each.loaded(n) for each in platform.followers for n in range(each.shards))
    ready = not (silent and empty)
    return Json(Health("ok" if ready else "failing", checks), 200 if ready else 503)


@router.get("/metrics", response_class=Response)
def get_measurements(instruments: InstrumentsDep) -> Response:
    """Measurements for Prometheus."""
    return Response(generate_latest(instruments.registry), media_type=CONTENT_TYPE_LATEST)


def _keys_check(settings: Settings) -> Check:
    if settings.api_keys:
        return Check("keys", "ok")
    return Check("keys", "warning", "there are no API keys: everybody may do everything")


def _checks(follower: Follower) -> Iterator[Check]:
    slug, trouble = follower.project.slug, follower.trouble
    held = any(follower.loaded(shard) for shard in range(follower.shards))
    if trouble:
        yield Check(f"redis:{slug}", "warning" if held else "failing", trouble)
    else:
        yield Check(f"redis:{slug}", "ok")
    for shard in range(follower.shards):
        yield _model_check(follower, shard)


def _model_check(follower: Follower, shard: int) -> Check:
    name = f"model:{follower.project.slug}:{shard}"
    loaded = follower.loaded(shard)
    if loaded is None:
        return Check(name, "warning", "no model yet")
    refused = "; ".join(follower.refused(shard))
    detail = f"version {loaded.facts.version} of {loaded.source}, {loaded.age:.0f} s old"
    return Check(name, "warning" if refused else "ok", refused or detail)

"""The app factory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse

from api import batch as batch_structs
from api import problems
from api.access_log import DOCS, AccessLog
from api.bodies import BodyLimit
from api.documentation import page
from api.instruments import Instruments, ModelCollector, RequestMetrics
from api.keys import Gate, check
from api.life import STRUCTS
from api.openapi import describe, operation_id
from api.platform import Platform
from api.routes import (
    analytics,
    batch,
    facts,
    health,
    labels,
    metrics,
    models,
    predictions,
    producer,
    projects,
    sql,
    training,
    v2,
)
from flows.projects import PROJECTS
from flows.projects.spec import Project
from flows.settings import Settings
from flows.stores.production import Command

# Routes are tried in this order.
ROUTERS = [
    predictions.router,
    projects.router,
    labels.router,
    metrics.router,
    facts.router,
    models.router,
    training.router,
    training.all_router,
    producer.router,
    batch.router,
    sql.router,
    analytics.router,
    v2.router,
    health.router,
]


def create_app(settings: Settings, projects: Mapping[str, Project] = PROJECTS) -> FastAPI:
    """Make an app; nothing is connected before it starts, and it can start again after it stops."""
    check(settings)
    instruments = Instruments()
    instruments.begin(projects)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        platform = Platform(settings, projects)
        collector = ModelCollector(platform.followers)
        instruments.registry.register(collector)
        app.state.leave = platform.streams.leave
        platform.start()
        try:
            yield {"platform": platform, "instruments": instruments}
        finally:
            instruments.registry.unregister(collector)
            await asyncio.to_thread(platform.stop)

    app = FastAPI(
        title="COELHO RealTime",
        description="Models that learn while they serve.",
        lifespan=lifespan,
        generate_unique_id_function=operation_id,
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(BodyLimit)
    app.add_middleware(RequestMetrics, instruments=instruments)
    app.add_middleware(Gate, settings=settings)
    if settings.api_cors_origins:
        app.add_middleware(CORSMiddleware, **_cors(settings))
    app.add_middleware(AccessLog)
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    bodies: list[type[msgspec.Struct]] = [labels.NewLabel, Command, sql.NewQuery, *STRUCTS]
    bodies += batch_structs.STRUCTS
    app.openapi = cache(lambda: describe(app, projects, bodies))  # type: ignore[method-assign]
    text = cache(lambda: page(app.openapi()))
    app.add_api_route(DOCS, lambda: HTMLResponse(text()), include_in_schema=False)
    return app


def _cors(settings: Settings) -> dict[str, Any]:
    """Credentials of a browser are never offered to every origin."""
    return {
        "allow_origins": settings.api_cors_origins,
        "allow_credentials": "*" not in settings.api_cors_origins,
        "allow_methods": ["GET", "POST", "PUT"],
        "allow_headers": ["Accept", "Authorization", "Content-Type", "X-API-Key", "X-Request-ID"],
        "expose_headers": ["Retry-After", "X-Request-ID"],
    }

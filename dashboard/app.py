"""Which pages there are, and the server that serves them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import panel as pn
from panel.viewable import Viewable

from dashboard.client import Client
from dashboard.instruments import Measurements
from dashboard.sessions import count, keep_fresh
from dashboard.store import Store
from dashboard.views.address import Address
from dashboard.views.overview import Overview
from dashboard.views.project import ProjectPage, at_first
from dashboard.views.shell import STREAMS, page, recall_theme
from dashboard.views.streams import Streams
from flows.projects import PROJECTS
from flows.projects.spec import Project
from flows.settings import Settings

NO_LINKS: Mapping[str, str] = MappingProxyType({})
Route = Callable[[], Viewable]


def routes(
    store: Store,
    projects: Mapping[str, Project] = PROJECTS,
    links: Mapping[str, str] = NO_LINKS,
    tiles: str = "",
) -> dict[str, Route]:
    """Every page by its address; each call of one makes the page of a new session.

    `links` are names and addresses of what else there is to look at, `tiles` is the address of the
    map tiles below trips, if there are any.
    """
    pages: dict[str, Route] = {"/": lambda: _overview(store, projects, links)}
    if projects:
        pages[f"/{STREAMS}"] = lambda: _streams(store, projects)
    for slug in projects:
        page = partial(_project, store, projects, slug, tiles)
        pages[f"/{slug}"] = lambda page=page: page()  # type: ignore[misc]
    return pages


def serve(settings: Settings, projects: Mapping[str, Project] = PROJECTS, **options: Any) -> Any:
    """Serve all pages, `/liveness` and `/metrics`; `options` go to `panel.serve`."""
    store = Store(Client(settings.api_url, settings.api_key.get_secret_value()))
    told = {"instruments": store.client.instruments}
    host, port = settings.dashboard_host, settings.dashboard_port
    defaults = {
        "address": host,
        "port": port,
        "websocket_origin": [
            *(f"{name}:{port}" for name in sorted({host, "localhost", "127.0.0.1"})),
            *settings.dashboard_origins,
        ],
        "show": False,
        "liveness": True,
        "session_history": 0,
        "extra_patterns": [("/metrics", Measurements, told)],
    }
    pages = routes(store, projects, links(settings), settings.dashboard_tiles)
    return pn.serve(pages, **{**defaults, **options})


def links(settings: Settings) -> dict[str, str]:
    """Addresses as people's browsers reach them: those of the settings, and here also our own."""
    own = {"MLflow": settings.mlflow_uri, "API": f"{settings.api_url}/docs"}
    local = own if settings.profile == "local" else {}
    return {**local, **settings.dashboard_links}


def _overview(store: Store, projects: Mapping[str, Project], links: Mapping[str, str]) -> Viewable:
    recall_theme()
    count(store.client.instruments)
    known = list(projects.values())
    view = Overview(known, store, links)
    keep_fresh(view.refresh)
    return page(view, known, "")


def _streams(store: Store, projects: Mapping[str, Project]) -> Viewable:
    recall_theme()
    count(store.client.instruments)
    known = list(projects.values())
    address = Address(search=pn.state.location.search if pn.state.location else "")
    view = address.keep(partial(Streams, known, store), {"project": known[0].slug})
    keep_fresh(view.refresh)
    return page(view, known, STREAMS, address)


def _project(store: Store, projects: Mapping[str, Project], slug: str, tiles: str) -> Viewable:
    recall_theme()
    count(store.client.instruments)
    address = Address(search=pn.state.location.search if pn.state.location else "")
    view = address.keep(
        partial(ProjectPage, projects[slug], store, tiles), at_first(projects[slug])
    )
    keep_fresh(view.refresh)
    pn.state.onload(view.open)
    keep_fresh(view.refresh_tab)
    return page(view, list(projects.values()), slug, address)

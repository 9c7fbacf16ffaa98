# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

import param
import pytest

from dashboard.client import Client
from dashboard.pictures.learning import TIME
from dashboard.store import Store
from dashboard.views.address import Address
from dashboard.views.ahead import Spare
from dashboard.views.live import WINDOWS, Live
from dashboard.views.project import LOOKS, TABS, ProjectPage, at_first, task_views
from flows.projects import fraud
from scripts.local.ports import free_port
from tests.http_server import HttpServer
from tests.test_dashboard_views import HISTORY, SNAPSHOT


class Place(param.Parameterized):
    tab = param.String(default="live")
    metric = param.String(default="FBeta")


FIRST = {"tab": "live", "metric": "FBeta"}


@pytest.fixture
def store() -> Store:
    return Store(Client(f"http://127.0.0.1:{free_port()}"))


def made(page: ProjectPage) -> set[str]:
    """The tabs whose views have been made."""
    return set(TABS) & vars(page).keys()


def arrive(page: ProjectPage, tab: str) -> None:
    """Say that a browser has a tab's view now."""
    page._bodies[tab].box.objects[-1].there = True


@pytest.mark.parametrize("tab", TABS)
def test_a_tab_is_made_when_it_is_opened(store: Store, tab: str) -> None:
    page = ProjectPage(fraud.PROJECT, store, tab=tab)
    page.open()
    assert made(page) == {tab}
    page.tab = "batch"
    assert made(page) == {tab, "batch"}


def test_frame_needs_no_tab_and_is_up_to_date_without(store: Store) -> None:
    page = ProjectPage(fraud.PROJECT, store)
    page.snapshot = SNAPSHOT
    assert made(page) == set()
    page.open()
    assert page.live.snapshot is SNAPSHOT


def test_only_the_open_tab_is_shown(store: Store) -> None:
    page = ProjectPage(fraud.PROJECT, store)
    page.open()
    for tab in (*TABS, "live"):
        page.tab = tab
        shown = [name for name, body in page._bodies.items() if body.box.visible]
        assert shown == [tab]
        assert len(page._bodies[tab].box.objects) == 2


def test_only_the_open_tab_follows_and_a_reopened_one_is_up_to_date(store: Store) -> None:
    page = ProjectPage(fraud.PROJECT, store)
    page.open()
    page.snapshot = SNAPSHOT
    page.tab = "batch"
    newer = replace(SNAPSHOT, history=HISTORY[:-1])
    page.snapshot = newer
    assert page.live.snapshot is SNAPSHOT
    page.tab = "live"
    assert page.live.snapshot is newer


def test_only_the_open_tab_reads(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []

    async def read(self: Any) -> None:
        reads.append(type(self).__name__)

    monkeypatch.setattr("dashboard.views.batch.Batch.refresh", read)
    page = ProjectPage(fraud.PROJECT, store)
    page.open()
    page.tab = "batch"

    async def look() -> None:
        await page.refresh_tab()
        assert reads == []
        arrive(page, "batch")
        await page.refresh_tab()

    asyncio.run(look())
    assert set(reads) == {"Batch"}


@pytest.fixture
def watched_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> ProjectPage:
    """One on which a tab has been looked at for a while, on a server with nothing else to do."""
    monkeypatch.setattr("dashboard.views.project.SPARE", Spare(lambda: 0.0))
    page = ProjectPage(fraud.PROJECT, store, tab="models")
    page.snapshot = SNAPSHOT
    page.open()
    look(page, LOOKS)
    arrive(page, "models")
    look(page, LOOKS)
    assert made(page) == {"models"}
    return page


def look(page: ProjectPage, times: int) -> None:
    """What a page does each second."""

    async def refresh() -> None:
        for _ in range(times):
            await page.refresh_tab()

    asyncio.run(refresh())


def test_other_tabs_are_made_ahead_one_by_one(watched_page: ProjectPage) -> None:
    found = {"models"}
    for tab in ("live", "predict", "batch", "sql", "analytics"):
        found.add(tab)
        look(watched_page, 2)
        assert made(watched_page) == found
        arrive(watched_page, tab)
        look(watched_page, 1)
        assert watched_page._bodies[tab].is_read
    assert found == set(TABS)
    assert [name for name, body in watched_page._bodies.items() if body.box.visible] == ["models"]
    look(watched_page, 2)


def test_what_is_made_ahead_shows_what_is_known(watched_page: ProjectPage) -> None:
    look(watched_page, 1)
    assert watched_page.live.snapshot is SNAPSHOT


def test_nothing_is_made_ahead_right_after_a_tab_was_opened(watched_page: ProjectPage) -> None:
    watched_page.tab = "sql"
    arrive(watched_page, "sql")
    look(watched_page, LOOKS)
    assert made(watched_page) == {"models", "sql"}
    look(watched_page, 1)
    assert made(watched_page) == {"models", "sql", "live"}


def test_nothing_is_made_ahead_on_a_busy_server(
    watched_page: ProjectPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = Spare(count().__next__)
    busy.use(lambda: None)
    monkeypatch.setattr("dashboard.views.project.SPARE", busy)
    look(watched_page, 2)
    assert made(watched_page) == {"models"}
    look(watched_page, 2)
    assert made(watched_page) == {"models", "live"}


def test_page_and_charts_share_what_the_address_names(store: Store) -> None:
    page = ProjectPage(fraud.PROJECT, store, tab="analytics", chart="kind=pie&x=currency")
    page.open()
    assert page.analytics.charting.chart == "kind=pie&x=currency"
    page.analytics.charting.chart = "kind=bar&x=amount"
    assert page.chart == "kind=bar&x=amount"
    page.chart = ""
    assert page.analytics.charting.chart == ""


def test_page_and_tab_share_what_the_address_names(store: Store) -> None:
    page = ProjectPage(fraud.PROJECT, store, window="1000")
    page.open()
    assert page.live.window == "1000"
    page.live.window = ""
    assert page.window == ""
    page.window = "10000"
    assert page.live._span.value == "10000"


@pytest.mark.parametrize(
    ("window", "first"), [("", 0), ("1000", 11_000), ("10000", 2_000), ("a lot", 0)]
)
def test_window_bounds_the_curve(store: Store, window: str, first: int) -> None:
    live = Live(task_views(fraud.PROJECT)[0], fraud.PROJECT, store, window=window)
    live.snapshot = SNAPSHOT
    champion = live._curve._pipe.data.champion
    assert (champion[0][0], champion[-1][0]) == (first, 12_000)


def test_windows_of_seconds_show_the_curve_over_time(store: Store) -> None:
    live = Live(task_views(fraud.PROJECT)[0], fraud.PROJECT, store)
    timely = {}
    for window in WINDOWS.values():
        live.window = window
        live.snapshot = replace(SNAPSHOT, history=[*HISTORY])
        told = live._curve._pipe.data
        timely[window] = told.over == TIME
        assert told.champion[-1][0] == (0.0 if timely[window] else 12_000)
    assert {window for window in timely if timely[window]} == {"time", "600s", "3600s"}


@pytest.mark.parametrize(
    ("time", "window", "place"),
    [(35.0, "", 4_000), (35.0, "time", 35_000), (30.0, "", 3_000), (999.0, "", math.inf)],
)
def test_changes_of_the_stream_stand_where_they_were_made(
    store: Store, time: float, window: str, place: float
) -> None:
    live = Live(task_views(fraud.PROJECT)[0], fraud.PROJECT, store, window=window)
    history = [{**point, "time": 10.0 * number} for number, point in enumerate(HISTORY)]
    live.snapshot = replace(SNAPSHOT, history=history)
    drift = {"kind": "sudden", "severity": "severe", "width": 2_000}
    live.changes = [{"time": time, "event_number": 9, "what": "drift", "details": drift}]
    told = live._curve._pipe.data.changes
    assert told == [(place, "severe sudden drift, within 2\u202f000 events")]


def test_changes_of_the_stream_are_read(store: Store) -> None:
    live = Live(task_views(fraud.PROJECT)[0], fraud.PROJECT, store)
    told = [{"time": 1.0, "event_number": 9, "what": "weather", "details": {}}]

    async def twice() -> None:
        await live.refresh()
        assert live.changes == []
        store._reads.clear()
        with HttpServer(lambda _path: (200, json.dumps({"changes": told}))) as server:
            store.client = Client(server.url)
            await live.refresh()
            await store.client.close()

    asyncio.run(twice())
    assert live.changes == told


def test_address_that_names_a_tab_makes_no_other(store: Store) -> None:
    address = Address(search="?tab=models&model=7")
    page = address.keep(partial(ProjectPage, fraud.PROJECT, store), at_first(fraud.PROJECT))
    page.open()
    assert (page.tab, page.model, made(page)) == ("models", "7", {"models"})


def test_what_a_page_shows_at_first_is_what_it_is_made_with(store: Store) -> None:
    page = ProjectPage(fraud.PROJECT, store)
    page.open()
    first = at_first(fraud.PROJECT)
    assert {name: getattr(page, name) for name in first} == first


def test_address_decides_at_first() -> None:
    place = Address(search="?tab=sql&metric=F1&theme=dark").keep(Place, FIRST)
    assert (place.tab, place.metric) == ("sql", "F1")


def test_address_names_what_is_not_as_at_first_and_keeps_the_rest() -> None:
    address = Address(search="?theme=dark")
    place = address.keep(Place, FIRST)
    assert address.search == "?theme=dark"
    place.tab = "a b"
    assert address.search == "?theme=dark&tab=a+b"
    place.tab = "live"
    assert address.search == "?theme=dark"


def test_step_back_is_taken() -> None:
    address = Address()
    place = address.keep(Place, FIRST)
    place.tab = "models"
    address.search = ""
    assert (place.tab, address.search) == ("live", "")


def test_step_back_to_what_reads_otherwise_does_not_rewrite_it() -> None:
    address = Address()
    place = address.keep(Place, FIRST)
    address.search = "?metric=F1&tab=live"
    assert (place.tab, place.metric) == ("live", "F1")
    assert address.search == "?metric=F1&tab=live"

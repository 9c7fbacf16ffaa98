"""Pages that nobody looks at any more rest, end, and leave nothing in the server's memory."""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import gc
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import panel as pn
import pytest
from bokeh.document import Document
from playwright.sync_api import Browser, expect

from dashboard import sessions
from dashboard.feed import Feed
from dashboard.instruments import Instruments
from dashboard.pictures import Picture
from dashboard.screenshot import started
from dashboard.views import shell
from dashboard.views.live import Live
from dashboard.views.predict import Predict
from dashboard.views.project import ProjectPage
from flows.measures import SESSIONS
from flows.projects import fraud
from tests import browsing
from tests.api_parts import until
from tests.dashboard_parts import SOON, Site, beating, served

OF_A_SESSION = (Feed, Picture, Live, Predict, ProjectPage)
PAGES = 4


@dataclass
class Session:
    connection_count: int


@dataclass
class Context:
    session: Session


@dataclass
class Served:
    """What of a served document is asked for here."""

    session_context: Context


@pytest.mark.parametrize(("connections", "expected"), [(0, False), (1, True), (2, True)])
def test_page_is_watched_while_a_browser_is_connected(connections: int, expected: bool) -> None:
    served: Any = Served(Context(Session(connections)))
    assert sessions.watched(served) is expected


@pytest.mark.parametrize("document", [None, Document()])
def test_page_that_is_not_served_counts_as_watched(document: Document | None) -> None:
    assert sessions.watched(document)


def test_what_works_is_not_told_to_pages() -> None:
    before = list(pn.state.param.watchers["busy"]["value"])
    page = ProjectPage(fraud.PROJECT, store=None)  # type: ignore[arg-type]
    shell.page(page, [fraud.PROJECT], "fraud")
    assert pn.state.param.watchers["busy"]["value"] == before


@pytest.fixture(scope="module")
def running(redis_url: str, unique: Callable[[str], str]) -> Iterator[Site]:
    with beating(redis_url, unique("fraud"), SOON) as served:
        yield served


def alive() -> Counter[str]:
    """How many there are of what a session is made of."""
    gc.collect()
    found = (type(each) for each in gc.get_objects())
    return Counter(each.__name__ for each in found if each in OF_A_SESSION)


def look_at(browser: Browser, running: Site) -> Counter[str]:
    """Open pages with one tab or the other, and close them; what there was while they were open."""
    pages = [browser.new_page() for _ in range(PAGES)]
    for number, page in enumerate(pages):
        tab = ("live", "predict")[number % 2]
        page.goto(f"{running.url}/{running.project.slug}?tab={tab}", timeout=60_000)
        expect(page.locator(".state").first).to_have_text("running", timeout=60_000)
    there = alive()
    for page in pages:
        page.close()
    return there


@pytest.fixture
def unlogged() -> Iterator[None]:
    """Log nothing: pytest keeps each line, and with an exception's all that its frames hold."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.slow
@pytest.mark.usefixtures("unlogged")
@browsing.NEEDS_CHROMIUM
def test_sessions_that_are_over_leave_nothing_behind(running: Site) -> None:
    before = alive()
    with started() as browser:
        there = look_at(browser, running)
    assert there["ProjectPage"] - before["ProjectPage"] == PAGES
    until(lambda: not alive() - before, "the end of the sessions")


@contextmanager
def slow_page() -> Iterator[tuple[str, Instruments]]:
    """A server whose page always reads one thing or waits to read the other."""
    instruments = Instruments()

    def made() -> pn.Column:
        sessions.count(instruments)
        for _ in ("one", "other"):
            sessions.keep_fresh(partial(asyncio.sleep, 2))
        return pn.Column("here")

    with served(made, **SOON) as url:
        yield url, instruments


@pytest.mark.slow
@browsing.NEEDS_CHROMIUM
def test_a_session_ends_however_slow_its_reads_are() -> None:
    with slow_page() as (url, instruments), started() as browser:
        page = browser.new_page()
        page.goto(url, timeout=60_000)
        expect(page.get_by_text("here")).to_be_visible(timeout=60_000)
        assert opened(instruments) == 1
        page.close()
        until(lambda: opened(instruments) == 0, "the end of the session")


def opened(instruments: Instruments) -> float:
    found = instruments.registry.get_sample_value(SESSIONS.name)
    assert found is not None
    return found

"""Pages for those who cannot point or see."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import browsing
from tests.dashboard_parts import Site, beating

pytestmark = browsing.NEEDS_CHROMIUM

Unique = Callable[[str], str]
Open = Callable[[str], Page]


@pytest.fixture(scope="module")
def live(redis_url: str, unique: Unique) -> Iterator[Site]:
    """A project that is published and runs."""
    with beating(redis_url, unique("fraud")) as running:
        yield running


@pytest.fixture
def open_page(browser: Browser, live: Site) -> Iterator[Open]:
    with browsing.window(browser) as context:

        def open_one(query: str) -> Page:
            page = context.new_page()
            page.goto(f"{live.url}/{live.project.slug}?{query}")
            return page

        yield open_one


def test_form_has_no_grave_barriers(open_page: Open) -> None:
    page = open_page("tab=predict")
    expect(page.get_by_role("button", name="Randomise")).to_be_visible()
    assert browsing.barriers(page) == {}

"""What tests of pages share: a browser, windows that fail a test whose pages complain, pictures."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    expect,
)

from dashboard.screenshot import CHROMIUM

CHROMIUM_PATH = shutil.which(CHROMIUM)
NEEDS_CHROMIUM = pytest.mark.skipif(
    CHROMIUM_PATH is None, reason="no Chromium: apt install chromium"
)
SECOND = 1_000
PATIENCE = 60 * SECOND
ARTEFACTS = Path(__file__).parents[1] / ".artifacts" / "pages"
GRAVE = {"serious", "critical"}
WIDE, NARROW = 1_280, 390
"""Pixels of the screens on which every page must be usable."""

HEIGHT = 1_200

expect.set_options(timeout=PATIENCE)


@contextmanager
def window(browser: Browser) -> Iterator[BrowserContext]:
    """A window whose pages must not complain, on the console or of what they could not get."""
    context = browser.new_context(viewport={"width": WIDE, "height": HEIGHT})
    context.set_default_timeout(PATIENCE)
    complaints: list[str] = []

    def note_error(said: ConsoleMessage) -> None:
        if said.type == "error":
            complaints.append(said.text)

    def note_failure(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # which is how leaving a page ends its requests
            complaints.append(request.url)

    context.on("weberror", lambda each: complaints.append(str(each.error)))
    context.on("console", note_error)
    context.on("requestfailed", note_failure)
    yield context
    context.close()
    assert complaints == []


def wear(window: BrowserContext, url: str, theme: str) -> None:
    """Let pages below an address be in a theme, as if it had been chosen before."""
    window.add_cookies([{"name": "theme", "value": theme, "url": url}])


def settle(page: Page) -> None:
    """Wait until no further figure appears."""
    drawn = -1
    while drawn != (drawn := page.locator("canvas").count()):
        page.wait_for_timeout(400)


def picture(page: Page, name: str, width: int) -> None:
    """Keep a picture of all of a page as it is on a screen so wide; it does not scroll sideways."""
    page.set_viewport_size({"width": width, "height": HEIGHT})
    page.wait_for_timeout(250)
    assert widest(page) <= width, f"{name} scrolls sideways at {width}"
    below = _content(page).evaluate("(main) => main.scrollHeight - main.clientHeight")
    page.set_viewport_size({"width": width, "height": HEIGHT + below})
    page.wait_for_timeout(250)
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}-{width}.png")
    page.set_viewport_size({"width": width, "height": HEIGHT})


def widest(page: Page) -> int:
    """How wide what can be scrolled to is, in pixels."""
    return int(_content(page).evaluate("(main) => main.scrollWidth"))


def _content(page: Page) -> Locator:
    return page.locator(".main-content").first


def look(page: Page, name: str, width: int) -> None:
    """Keep a picture of what is shown; nothing keeps anybody from using it."""
    settle(page)
    picture(page, name, width)
    assert {name: barriers(page)} == {name: {}}


def barriers(page: Page) -> dict[str, list[str]]:
    """What axe-core finds grave on a page: elements by rule, of what is on the page now."""
    found: dict[str, Any] = Axe().run(page, options=_AXE).response
    return {
        each["id"]: [node["html"][:300] for node in each["nodes"]]
        for each in found["violations"]
        if each["impact"] in GRAVE
    }


_AXE = {"resultTypes": ["violations"]}

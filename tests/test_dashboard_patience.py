"""What a server tells its pages arrives, and stays, however close together its changes are."""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from html import unescape
from typing import Any

import panel as pn
import panel_material_ui as pmui
import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.views import inputs, parts, shell
from tests import browsing
from tests.api_parts import until
from tests.dashboard_parts import served

pytestmark = [pytest.mark.slow, browsing.NEEDS_CHROMIUM]

CHANGES = 300
SLOWER = 6
"""How many times slower than it is the browser's processor is made."""

GAPS = (0.0, 0.001, 0.003, 0.008, 0.02)
"""Seconds between two changes: shorter and longer than a browser takes to draw one."""


class Counting(pn.viewable.Viewer):
    """A text that counts when its button is pressed, and an input; keeps what they ever held."""

    title = "Counting"

    def __init__(self) -> None:
        super().__init__()
        self.held: list[str] = []
        self.text, self.words = parts.text("none"), pmui.TextInput(label="Words", value="")
        self.count = inputs.button("Count", self._count)
        self.text.param.watch(lambda event: self.held.append(event.new), "object")

    async def _count(self, _event: Any) -> None:
        for number in range(CHANGES):
            parts.say(self.text, f"<{number}>")
            self.words.value = f"word {number}"
            await asyncio.sleep(GAPS[number % len(GAPS)])
        parts.say(self.text, "counted")

    def __panel__(self) -> pmui.Column:
        return parts.stack(self.count, self.text, self.words)


@pytest.fixture
def views() -> list[Counting]:
    return []


@pytest.fixture
def page(views: list[Counting], browser: Browser) -> Iterator[Page]:
    def made() -> Any:
        views.append(Counting())
        return shell.page(views[-1], [], "")

    with served(made) as url, browsing.window(browser) as window:
        page = window.new_page()
        page.goto(url)
        window.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        yield page


def test_newer_values_are_not_replaced_by_older_ones(page: Page, views: list[Counting]) -> None:
    page.get_by_role("button", name="Count").click()
    expect(page.get_by_text("counted")).to_be_visible()
    page.wait_for_timeout(500)
    expect(page.get_by_text("counted")).to_be_visible()
    expect(page.get_by_label("Words")).to_have_value(f"word {CHANGES - 1}")
    (view,) = views
    told = [unescape(each.removeprefix("<div>").removesuffix("</div>")) for each in view.held]
    assert told == [*(f"<{number}>" for number in range(CHANGES)), "counted"]
    assert view.words.value == f"word {CHANGES - 1}"


def test_what_a_reader_types_is_told(page: Page, views: list[Counting]) -> None:
    words = page.get_by_label("Words")
    for text in ("one", "another", ""):
        words.fill(text)
        words.blur()
        until(lambda text=text: views[0].words.value == text, f"{text!r}")  # type: ignore[misc]
    page.get_by_role("button", name="Count").click()
    expect(page.get_by_text("counted")).to_be_visible()
    words.fill("mine")
    words.blur()
    until(lambda: views[0].words.value == "mine", "what was typed last")
    expect(words).to_have_value("mine")

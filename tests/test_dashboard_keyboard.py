"""Pages are used by the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import browsing
from tests.dashboard_parts import Site, beating

pytestmark = [pytest.mark.slow, browsing.NEEDS_CHROMIUM]

MOST_STEPS = 60
FOCUSED = """() => {
    let found = document.activeElement
    while (found?.shadowRoot?.activeElement) found = found.shadowRoot.activeElement
    return {text: found.innerText, tile: found.closest(".tile")?.dataset.key ?? null}
}"""
"""What has the focus, in whichever component."""


@pytest.fixture(scope="module")
def running(redis_url: str, unique: Callable[[str], str]) -> Iterator[Site]:
    with beating(redis_url, unique("fraud")) as served:
        yield served


@pytest.fixture
def page(running: Site, browser: Browser) -> Iterator[Page]:
    with browsing.window(browser) as context:
        page = context.new_page()
        page.goto(f"{running.url}/{running.project.slug}?tab=predict")
        expect(page.get_by_role("button", name="Predict", exact=True)).to_be_visible()
        yield page


def focused(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(FOCUSED)
    return found


def step_to(page: Page, text: str, key: str = "Tab") -> None:
    """Press a key until a button of that text has the focus."""
    for _ in range(MOST_STEPS):
        page.keyboard.press(key)
        if focused(page)["text"].endswith(text):
            return
    pytest.fail(f"{text!r} is not reached by {key}")


def test_model_is_asked_by_the_keyboard_alone(page: Page) -> None:
    amount = page.get_by_label("Amount (currency units)")
    before = amount.input_value()
    step_to(page, "Randomise")
    page.keyboard.press("Enter")
    expect(amount).not_to_have_value(before)
    step_to(page, "Predict", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".gauge canvas").first).to_be_visible()


def test_focus_stays_when_newer_values_come(running: Site, page: Page) -> None:
    page.locator(".tile[data-key=learned] .sign").first.focus()
    assert focused(page)["tile"] == "learned"
    value = page.locator(".tile[data-key=learned] .value").first
    before = value.inner_text()
    running.learn()
    running.publish()
    expect(value).not_to_have_text(before)
    assert focused(page)["tile"] == "learned"
    page.keyboard.press("Tab")
    assert focused(page)["tile"] == "speed"

"""Every page and tab of a running platform: looked at, and used as people would."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from dashboard.views.project import TABS
from flows.projects import PROJECTS
from tests import browsing
from tests.local_platform import Platform, free_ports, running

pytestmark = [pytest.mark.slow, browsing.NEEDS_CHROMIUM]

LIGHT, DARK = ("light", browsing.WIDE), ("dark", browsing.NARROW)
LOOKS = [
    ("fraud", *LIGHT),
    ("fraud", *DARK),
    ("eta", *LIGHT),
    ("interactions", *DARK),
    ("sales", *LIGHT),
]
"""One project in both themes: the others share most of what they show."""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("platform")
    often = {"REALTIME_VERSION_SECONDS": "15"}
    arguments = (folder / "data", free_ports(), folder / "log", "--rate", "25")
    with running(*arguments, settings=often) as started:
        for slug in PROJECTS:
            started.learned(at_least=100, slug=slug)
        yield started


@pytest.fixture
def window(browser: Browser) -> Iterator[BrowserContext]:
    with browsing.window(browser) as context:
        yield context


@pytest.fixture
def page(window: BrowserContext) -> Page:
    return window.new_page()


def opened(platform: Platform, window: BrowserContext, path: str, theme: str) -> Page:
    """A page in a theme."""
    browsing.wear(window, platform.url("dashboard"), theme)
    page = window.new_page()
    page.goto(platform.url("dashboard", f"/{path}"))
    return page


@pytest.mark.parametrize("path", ["", "streams"])
@pytest.mark.parametrize(("theme", "width"), [LIGHT, DARK])
def test_page_renders_and_can_be_used_by_everybody(
    platform: Platform, window: BrowserContext, path: str, theme: str, width: int
) -> None:
    page = opened(platform, window, path, theme)
    expect(page.locator(".state").first).to_have_text("running")
    browsing.look(page, f"{path or 'overview'}-{theme}", width)


@pytest.mark.parametrize(("slug", "theme", "width"), LOOKS)
def test_every_tab_renders_and_can_be_used_by_everybody(
    platform: Platform, window: BrowserContext, slug: str, theme: str, width: int
) -> None:
    page = opened(platform, window, slug, theme)
    expect(page.locator(".state")).to_have_text("running")
    for tab, title in TABS.items():
        page.get_by_role("tab", name=title, exact=True).click()
        expect(page.locator(f".tab-{tab}").get_by_role("heading").first).to_be_visible()
        browsing.look(page, f"{slug}-{tab}-{theme}", width)


def test_every_project_is_looked_at() -> None:
    assert {slug for slug, *_ in LOOKS} == set(PROJECTS)


def test_generator_is_paused_goes_on_and_is_told_a_drift(platform: Platform, page: Page) -> None:
    page.goto(platform.url("dashboard", "/streams?project=fraud"))
    state = page.locator(".state")
    for press, comes in (("Pause", "paused"), ("Resume", "running")):
        page.get_by_role("button", name=press).click()
        expect(state).to_have_text(comes)
    type_over(page.get_by_role("textbox", name=re.compile("^Events per second")), "27")
    page.get_by_role("button", name="Set rate").click()
    expect(page.locator(".streams").get_by_text("27", exact=True).first).to_be_visible()
    page.get_by_role("button", name="Begin scenario").click()
    expect(page.locator(".stream-changes").get_by_text("at 100.0 %").first).to_be_visible()
    page.get_by_role("button", name="Begin drift").click()
    expect(page.locator(".stream-changes").get_by_text("severe sudden drift").first).to_be_visible()
    page.goto(platform.url("dashboard", "/fraud?window=time"))
    page.wait_for_function(_CHANGE_IS_MARKED)


_CHANGE_IS_MARKED = """() => [...(globalThis.Bokeh?.documents[0]?.all_models ?? [])].some(
  (model) => model.type === "LegendItem" && model.visible && model.label.value === "change")"""


def test_flow_is_paused_and_goes_on(platform: Platform, page: Page) -> None:
    page.goto(platform.url("dashboard", "/sales"))
    switch = page.locator(".training input")
    for comes in ("paused", "running"):
        expect(page.locator(".state")).to_have_text("running" if comes == "paused" else "paused")
        switch.click()
        expect(page.locator(".state")).to_have_text(comes)


def test_version_is_promoted_and_rolled_back_to_once_it_is_confirmed(
    platform: Platform, page: Page
) -> None:
    page.goto(platform.url("dashboard", "/fraud?tab=models"))
    expect(page.locator(".versions").get_by_text("champion").first).to_be_visible()
    for press, comes in (("Promote", "Promoted version"), ("Roll back", "Rolled back to version")):
        expect(row(page, comes)).to_have_count(0)
        page.get_by_role("button", name=press, exact=True).click()
        dialog = page.get_by_role("dialog")
        type_over(dialog.get_by_role("textbox", name=re.compile("^Who")), "ada")
        type_over(dialog.get_by_role("textbox", name=re.compile("^Why")), "to see that it works")
        dialog.get_by_role("button", name="Confirm").click()
        expect(dialog).to_have_count(0)
        expect(row(page, comes)).to_contain_text("ada")
        expect(row(page, comes)).to_contain_text("done")


def type_over(field: Locator, text: str) -> None:
    """Write in place of what is there."""
    field.click()
    field.press("Control+a")
    field.press_sequentially(text)


def row(page: Page, text: str) -> Locator:
    """Rows of the history that say this."""
    return page.locator(".changes .tabulator-row, .changes tr").filter(has_text=text)


def test_models_are_asked_side_by_side_and_told_the_truth(platform: Platform, page: Page) -> None:
    page.goto(platform.url("dashboard", "/fraud?tab=predict"))
    page.get_by_label("Also ask").first.click()
    menu = page.locator(".MuiMenuItem-root")
    menu.filter(has_text="baseline").click()
    menu.first.press("Escape")
    expect(menu).to_have_count(0)
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.get_by_text("Side by side")).to_be_visible()
    page.get_by_role("button", name="Send label").click()
    expect(page.locator(".label-said")).to_contain_text("Sent: transaction_fraud_detection_labels")


def test_lake_is_asked(platform: Platform, page: Page) -> None:
    page.goto(platform.url("dashboard", "/eta?tab=sql"))
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text(re.compile("rows? in")).first).to_be_visible()
    expect(page.locator(".tabulator-cell[tabulator-field=trip_id]").first).to_be_visible()

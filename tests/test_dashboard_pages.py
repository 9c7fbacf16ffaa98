from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from dashboard.views.project import TABS
from tests import browsing
from tests.api_parts import until
from tests.dashboard_parts import Site, beating, site

pytestmark = browsing.NEEDS_CHROMIUM

Unique = Callable[[str], str]
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def live(redis_url: str, unique: Unique) -> Iterator[Site]:
    """A project that has learnt, is published and runs."""
    with beating(redis_url, unique("fraud")) as running:
        running.learn()
        running.publish()
        yield running


@pytest.fixture
def empty(redis_url: str, unique: Unique) -> Iterator[Site]:
    """A project that nobody has published a model of."""
    with site(redis_url, unique("fraud")) as running:
        yield running


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens pages in one window; fails a test whose pages complain on the console."""
    with browsing.window(browser) as context:

        def open_one(running: Site, path: str = "") -> Page:
            page = context.new_page()
            page.goto(f"{running.url}/{path}")
            return page

        yield open_one


@pytest.fixture(scope="module")
def project_page(browser: Browser, live: Site) -> Iterator[Page]:
    """The project's page, for tests that leave it as it was."""
    with browsing.window(browser) as context:
        page = context.new_page()
        page.goto(f"{live.url}/{live.project.slug}")
        yield page


def tile(page: Page, key: str) -> Locator:
    return page.locator(f".tile[data-key={key}] .value")


def test_overview_shows_the_project_and_leads_to_its_page(live: Site, open_page: Open) -> None:
    page = open_page(live)
    expect(page.get_by_text(f"learnt from {live.learner.state.counts['learned']}")).to_be_visible()
    expect(tile(page, "speed")).to_have_text("12")
    expect(tile(page, "lag")).to_have_text("3")
    expect(page.get_by_role("link", name="API")).to_have_attribute("href", f"{live.api.url}/docs")
    expect(page.get_by_text("API: ok")).to_be_visible()
    page.get_by_role("link", name="Transaction Fraud Detection").click()
    page.wait_for_url(f"**/{live.project.slug}")
    expect(page.get_by_text("Learning curve")).to_be_visible()


def test_project_page_shows_what_the_model_scores(live: Site, project_page: Page) -> None:
    metrics = live.learner.state.metrics.values()
    expect(tile(project_page, "ROCAUC")).to_have_text(f"{metrics['ROCAUC']:.3f}")
    expect(tile(project_page, "LogLoss")).to_have_text(f"{metrics['LogLoss']:.3f}")
    expect(tile(project_page, "version")).to_have_text(live.learner.state.version)
    expect(project_page.locator(".state")).to_have_text("running")
    for title in ("Confusion matrix", "Per class", "Reliability", "Threshold"):
        expect(project_page.get_by_text(title).first).to_be_visible()
    expect(project_page.locator("canvas").nth(4)).to_be_visible()


def test_newer_model_changes_the_page_by_itself(live: Site, project_page: Page) -> None:
    before = live.learner.state.version
    expect(tile(project_page, "version")).to_have_text(before)
    live.learn()
    live.publish()
    expect(tile(project_page, "version")).to_have_text(live.learner.state.version)
    value = live.learner.state.metrics.values()["LogLoss"]
    expect(tile(project_page, "LogLoss")).to_have_text(f"{value:.3f}")


def test_pause_is_shown(live: Site, project_page: Page) -> None:
    live.state = "paused"
    expect(project_page.locator(".state")).to_have_text("paused")
    live.state = "running"
    expect(project_page.locator(".state")).to_have_text("running")


def test_training_is_paused_and_goes_on(live: Site, project_page: Page) -> None:
    switch = project_page.locator(".training input")
    for wanted in ("paused", "running"):
        switch.click()
        until(lambda wanted=wanted: live.store.wanted() == wanted, f"the wish for {wanted}")  # type: ignore[misc]
        expect(switch).to_be_checked(checked=wanted == "running")


def test_explanation_appears_when_pointed_at(project_page: Page) -> None:
    sign = project_page.locator(".tile[data-key=Recall] .sign")
    sign.hover()
    shown = sign.evaluate("sign => getComputedStyle(sign, '::after').content")
    assert "TP / (TP + FN)" in shown


def test_address_names_tab_and_metric(live: Site, open_page: Open) -> None:
    page = open_page(live, f"{live.project.slug}?tab=live&metric=Recall")
    expect(page.get_by_role("combobox").filter(has_text="Recall")).to_be_visible()
    page.get_by_role("tab", name="Predict").click()
    page.wait_for_url(re.compile("tab=predict"))
    page.reload()
    expect(page.get_by_role("button", name="Randomise")).to_be_visible()


def test_step_back_opens_the_tab_from_before(live: Site, open_page: Open) -> None:
    page = open_page(live, f"{live.project.slug}?tab=batch")
    for tab in ("Analytics", "Batch"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_url(f"**/*tab={tab.lower()}")
    page.go_back()
    expect(page.get_by_text("what a chart shows is worked out")).to_be_visible()
    page.go_forward()
    expect(page.get_by_text("the newest fifth tests what was trained")).to_be_visible()


def widths(page: Page) -> list[tuple[int, int]]:
    """Of each figure that is seen: its own and that of the place it has, in pixels."""
    measured = """all => all.map(one =>
        [one.shadowRoot.querySelector(".bk-Canvas").clientWidth, one.clientWidth])"""
    found = page.locator(".tab-live .bk-Figure:visible").evaluate_all(measured)
    return [(own, place) for own, place in found]


def test_figures_fit_that_were_hidden_while_the_window_changed(live: Site, open_page: Open) -> None:
    page = open_page(live, live.project.slug)
    expect(page.locator(".tab-live canvas").first).to_be_visible()
    until(lambda: len(widths(page)) > 1, "figures")
    before = widths(page)
    page.get_by_role("tab", name="Predict").click()
    expect(page.get_by_role("button", name="Predict", exact=True)).to_be_visible()
    page.set_viewport_size({"width": 700, "height": 900})
    live.learn()
    live.publish()
    page.get_by_role("tab", name="Live").click()
    until(lambda: len(widths(page)) >= len(before), "figures that are seen again")
    until(lambda: all(own == place for own, place in widths(page)), "figures that fit")
    assert max(place for _, place in widths(page)) < max(place for _, place in before)


def test_tabs_are_made_ahead_and_used_at_once(live: Site, open_page: Open) -> None:
    page = open_page(live, f"{live.project.slug}?tab=sql")
    for tab in TABS:
        expect(page.locator(f".tab-{tab} h2").first).to_be_attached()
        expect(page.locator(f".tab-{tab}")).to_be_visible(visible=tab == "sql")
    assert page.url.endswith("?tab=sql")
    page.get_by_role("tab", name="Live").click()
    expect(page.locator(".tab-live canvas").first).to_be_visible()
    until(lambda: len(widths(page)) > 1, "figures")
    until(lambda: all(own == place for own, place in widths(page)), "figures that fit")
    page.get_by_role("tab", name="Predict").click()
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.locator(".gauge canvas").first).to_be_visible()


def test_query_is_run_and_its_rows_are_shown(live: Site, open_page: Open) -> None:
    page = open_page(live, f"{live.project.slug}?tab=sql")
    page.get_by_label("SQL text").fill("SELECT 'seven' AS word, 7 AS number")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text("1 row in")).to_be_visible()
    expect(page.locator(".tabulator-cell").get_by_text("seven")).to_be_visible()
    page.get_by_label("SQL text").fill("SELECT 'eight' AS word UNION ALL SELECT 'nine'")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("2 rows in")).to_be_visible()
    expect(page.locator(".tabulator-cell").get_by_text("nine")).to_be_visible()
    page.get_by_label("SQL text").fill("DROP TABLE fraud")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("asks for more than to read")).to_be_visible()
    expect(page.locator(".tabulator-cell")).to_have_count(0)


def test_randomise_changes_the_form_however_early_it_is_pressed(
    live: Site, open_page: Open
) -> None:
    page = open_page(live)
    page.add_init_script(_PRESS_AT_ONCE)
    page.goto(f"{live.url}/{live.project.slug}?tab=predict")
    page.wait_for_function("window.valueBefore !== undefined")
    identity = page.get_by_label("Transaction ID")
    expect(identity).not_to_have_value(page.evaluate("window.valueBefore"))


_PRESS_AT_ONCE = """
const all = (root) => [...root.querySelectorAll("*")].flatMap(
  (one) => [one, ...(one.shadowRoot ? all(one.shadowRoot) : [])])
const watch = setInterval(() => {
  const found = all(document)
  const field = found.find((one) => one.classList.contains("field-transaction_id"))
  const value = field?.shadowRoot && all(field.shadowRoot).find((one) => one.tagName === "INPUT")
  const button = found.find(
    (one) => one.tagName === "BUTTON" && one.textContent.includes("Randomise"))
  if (value?.value && button) {
    window.valueBefore = value.value
    button.click()
    clearInterval(watch)
  }
}, 5)
"""


def test_prediction_shows_gauge_decision_and_model(live: Site, open_page: Open) -> None:
    page = open_page(live, f"{live.project.slug}?tab=predict")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".gauge canvas").first).to_be_visible()
    expect(page.locator(".decision")).to_have_text(re.compile("positive|negative"))
    expect(page.locator(".answer-model")).to_contain_text(live.learner.state.version)


def test_refused_value_is_marked_at_its_field(live: Site, open_page: Open) -> None:
    page = open_page(live, f"{live.project.slug}?tab=predict")
    amount = page.get_by_label("Amount (currency units)")
    amount.fill("-5")
    amount.press("Tab")
    expect(amount).to_have_value("-5.0")
    page.get_by_role("button", name="Predict").click()
    expect(amount).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".gauge")).to_be_hidden()


def test_theme_stays_chosen_on_the_next_page(live: Site, open_page: Open) -> None:
    page = open_page(live, live.project.slug)
    page.get_by_role("button", name="Toggle theme").click()
    expect(page.locator(".mui-dark").first).to_be_visible()
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_text("API: ok")).to_be_visible()
    expect(page.locator(".mui-dark").first).to_be_visible()


def test_no_model_is_said(empty: Site, open_page: Open) -> None:
    page = open_page(empty, empty.project.slug)
    expect(page.get_by_text(f"{empty.project.slug} has learnt from 0 events")).to_be_visible()
    expect(page.locator(".state")).to_have_text("absent")
    page.get_by_role("tab", name="Predict").click()
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_text("No model yet", exact=True)).to_be_visible()
    empty.publish()
    expect(page.locator(".state")).to_have_text("stale")
    expect(tile(page, "version")).to_have_text(empty.learner.state.version)


def test_banner_comes_with_an_outage_and_goes_with_it(empty: Site, open_page: Open) -> None:
    page = open_page(empty, empty.project.slug)
    overview = open_page(empty)
    expect(page.locator(".state")).to_have_text("absent")
    empty.api.stop()
    for each in (page, overview):
        banner = each.locator(".banner").first
        expect(banner).to_contain_text("does not answer")
        expect(banner).to_contain_text(re.compile(r"Since \d\d:\d\d:\d\d UTC"))
    empty.api.start()
    for each in (page, overview):
        expect(each.get_by_text("does not answer")).to_have_count(0)


def test_screenshots_are_taken(live: Site, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from dashboard.screenshot import take;"
        "take(sys.argv[1], Path(sys.argv[2]), [sys.argv[3]])"
    )
    command = [sys.executable, "-c", code, live.url, str(tmp_path), live.project.slug]
    subprocess.run(command, check=True, timeout=200)
    for name in ("overview", live.project.slug):
        picture = (tmp_path / f"{name}.png").read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert 10_000 < len(picture) < 300_000

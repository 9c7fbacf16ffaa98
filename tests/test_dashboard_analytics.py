"""The Analytics tab in a browser: a profile to keep, a query clicked together, a chart linked."""
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import browsing
from tests.dashboard_parts import Site, site
from tests.sql_parts import EVENTS, fill

pytestmark = browsing.NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def live(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A project whose lake has rows."""
    lake = fill(tmp_path_factory.mktemp("lake")).lake_uri
    with site(redis_url, "payments", lake_uri=lake) as running:
        yield running


@pytest.fixture
def page(live: Site, browser: Browser) -> Iterator[Page]:
    with browsing.window(browser) as window:
        page = window.new_page()
        page.goto(f"{live.url}/payments?tab=analytics")
        expect(page.get_by_label("Add a column")).to_contain_text("device_info.os")
        yield page


def test_profile_is_shown_and_kept_as_one_file(page: Page, tmp_path: Path) -> None:
    page.get_by_role("button", name="Profile", exact=True).click()
    expect(page.locator(".tile[data-key=rows] .value")).to_have_text(str(EVENTS))
    line = page.locator(".profile-columns tr", has_text="amount")
    expect(line.first).to_contain_text("currency units")
    expect(page.locator(".profile-columns tr", has_text="label_status")).to_contain_text("carried")
    with page.expect_download() as kept:
        page.get_by_text("Keep as one HTML file").click()
    kept.value.save_as(tmp_path / "kept.html")
    assert kept.value.suggested_filename == "payments-profile.html"
    text = (tmp_path / "kept.html").read_text()
    assert "<h1>Transaction Fraud Detection: payments</h1>" in text
    page.goto(f"file://{tmp_path}/kept.html")
    expect(page.get_by_role("img", name="Histogram of amount")).to_be_visible()


def test_query_is_clicked_together_by_keyboard_and_run(page: Page) -> None:
    add = page.get_by_label("Add a column")
    add.select_option("label_status")
    add.select_option("*")
    text = page.get_by_label("SQL of the query")
    expect(text).to_have_value(
        'SELECT "label_status" AS "label_status",\n  count(*) AS rows\n'
        'FROM "payments"\nGROUP BY 1\nLIMIT 100'
    )
    page.get_by_label("rows, column 2 of 2").focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.get_by_label("rows, column 1 of 2")).to_be_focused()
    expect(page.get_by_role("status").get_by_text("rows is now column 1 of 2")).to_be_visible()
    page.get_by_role("button", name="Add a filter").click()
    page.get_by_label("Column that is compared").select_option("label_status")
    page.get_by_label("How it is compared").select_option("is there")
    page.get_by_role("button", name="Add an order").click()
    page.get_by_label("Column to order by").select_option("1")
    expect(text).to_have_value(
        'SELECT count(*) AS rows,\n  "label_status" AS "label_status"\nFROM "payments"\n'
        'WHERE "label_status" IS NOT NULL\nGROUP BY 2\nORDER BY 2\nLIMIT 100'
    )
    page.get_by_role("button", name="Run query").click()
    expect(page.get_by_text("2 rows in")).to_be_visible()
    expect(page.locator(".tabulator-cell").get_by_text("carried")).to_be_visible()


def test_columns_are_moved_by_dragging(page: Page) -> None:
    add = page.get_by_label("Add a column")
    for name in ("currency", "amount", "user_id"):
        add.select_option(name)
    handles = page.locator(".query-builder .handle")
    handles.nth(2).drag_to(handles.nth(0))
    text = page.get_by_label("SQL of the query")
    expect(text).to_have_value(
        'SELECT "user_id" AS "user_id",\n  "currency" AS "currency",\n'
        '  "amount" AS "amount"\nFROM "payments"\nLIMIT 100'
    )


def test_chart_is_drawn_kept_and_opened_again_by_its_link(live: Site, page: Page) -> None:
    page.get_by_label("Chart", exact=True).select_option("Box plot")
    page.get_by_label("Along x", exact=True).select_option("label_status")
    page.get_by_label("Along y, or value").select_option("amount")
    page.get_by_role("button", name="Draw").click()
    expect(page.get_by_text(f"amount by label_status: {EVENTS} rows")).to_be_visible()
    expect(page.locator("canvas").first).to_be_visible()
    for name in ("PNG", "SVG"):
        expect(page.get_by_text(f"Keep as {name}")).to_be_visible()
    with page.expect_download() as kept:
        page.get_by_text("Keep as PNG").click()
    assert Path(kept.value.path()).read_bytes().startswith(b"\x89PNG")
    link = page.get_by_role("link", name="Link to this chart").get_attribute("href")
    assert link is not None
    assert "chart=" in page.url
    page.goto(f"{live.url}/payments{link}")
    expect(page.get_by_text(f"amount by label_status: {EVENTS} rows")).to_be_visible()
    expect(page.get_by_label("Chart", exact=True)).to_have_value("box")
    expect(page.locator("canvas").first).to_be_visible()


def test_choices_of_a_chart_stand_beside_each_other(page: Page) -> None:
    lists = [page.get_by_label(name, exact=True) for name in ("Chart", "Along x", "Colour")]
    expect(lists[1]).to_contain_text("amount")
    tops = {box["y"] for each in lists if (box := each.bounding_box())}
    assert len(tops) == 1


def test_a_chart_that_cannot_be_says_why(live: Site, page: Page) -> None:
    page.goto(f"{live.url}/payments?tab=analytics&chart=kind%3Dscatter%26x%3Damount")
    expect(page.get_by_text("a scatter chart needs a column for y")).to_be_visible()


@pytest.mark.parametrize("theme", ["default", "dark"])
def test_narrow_tab_does_not_scroll_sideways(live: Site, browser: Browser, theme: str) -> None:
    with browsing.window(browser) as window:
        page = window.new_page()
        page.set_viewport_size({"width": browsing.NARROW, "height": 800})
        page.goto(
            f"{live.url}/payments?tab=analytics&theme={theme}&chart=kind%3Dpie%26x%3Dcurrency"
        )
        page.get_by_label("Add a column").select_option("label_status")
        expect(page.get_by_text("rows by currency")).to_be_visible()
        assert browsing.widest(page) <= browsing.NARROW

"""What comes later than the rest of a page is listened to before it is changed."""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from typing import Any

import panel as pn
import panel_material_ui as pmui
import pytest
from playwright.sync_api import Browser, expect

from dashboard.client import Client
from dashboard.store import Store
from dashboard.views import inputs, parts, shell
from dashboard.views.analytics import Analytics
from dashboard.views.binary import BinaryVerdict
from dashboard.views.late import Late
from dashboard.views.predict import Predict
from flows.projects import fraud
from tests import browsing
from tests.dashboard_parts import served

SLOWER = 6
"""How many times slower than it is the browser's processor is made."""

PLACES = 20


def store() -> Store:
    return Store(Client("http://127.0.0.1:1"))


def test_parts_are_put_on_the_page_once() -> None:
    late = Late()
    assert (late.is_put, late.is_there, late.box.objects) == (False, False, [])
    one, other = parts.text("one"), parts.text("other")
    late.put(one)
    late.put(other)
    assert late.is_put
    assert late.box.objects[:-1] == [one]


def test_parts_are_there_when_the_browser_says_so() -> None:
    late = Late()
    late.put(parts.text("one"))
    assert not late.is_there
    late.box.objects[-1].there = True
    assert late.is_there


def test_nobody_waits_for_a_browser_where_there_is_none() -> None:
    with pytest.raises(StopIteration):
        Late().come().send(None)


def test_room_for_an_answer_is_made_after_the_form() -> None:
    predict = Predict(fraud.PROJECT, store(), BinaryVerdict())
    assert not predict._shown.is_put
    asyncio.run(predict.refresh())
    assert predict._shown.is_put
    assert not predict._shown.box.visible


def test_who_asks_sooner_gets_the_room_at_once() -> None:
    predict = Predict(fraud.PROJECT, store(), BinaryVerdict())
    asyncio.run(predict._ask(None))
    assert predict._shown.is_put


def test_charts_and_queries_come_after_the_profile() -> None:
    analytics = Analytics(fraud.PROJECT, store())
    assert not analytics._rest.is_put
    asyncio.run(analytics.refresh())
    assert len(analytics._rest.box.objects) == len(("charts", "queries", "arrival"))


def test_a_chart_is_read_once_there_is_room_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    analytics, reads = Analytics(fraud.PROJECT, store()), list[str]()

    async def read() -> None:
        reads.append("chart")

    monkeypatch.setattr(analytics.charting, "refresh", read)
    asyncio.run(analytics.refresh())
    assert reads == []
    analytics._rest.box.objects[-1].there = True
    asyncio.run(analytics.refresh())
    assert reads == ["chart"]


class Places(pn.viewable.Viewer):
    """Texts that are put on the page when a button is pressed, and say something else at once."""

    title = "Places"

    def __init__(self) -> None:
        super().__init__()
        self.late, self.texts = Late(), [parts.text("old") for _ in range(PLACES)]
        self.waited = False
        self.fill = inputs.button("Fill", self._fill)

    async def _fill(self, _event: Any) -> None:
        self.late.put(*self.texts)
        await self.late.come()
        self.waited = self.late.is_there
        for text in self.texts:
            parts.say(text, "new")

    def __panel__(self) -> pmui.Column:
        return parts.stack(self.fill, self.late.box)


@pytest.mark.slow
@browsing.NEEDS_CHROMIUM
def test_what_is_said_once_the_browser_listens_is_shown(browser: Browser) -> None:
    views: list[Places] = []

    def made() -> Any:
        views.append(Places())
        return shell.page(views[-1], [], "")

    with served(made) as url, browsing.window(browser) as window:
        page = window.new_page()
        page.goto(url)
        button = page.get_by_role("button", name="Fill")
        expect(button).to_be_visible()
        throttled = {"rate": SLOWER}
        window.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", throttled)
        button.click()
        expect(page.get_by_text("new", exact=True)).to_have_count(PLACES)
        expect(page.get_by_text("old", exact=True)).to_have_count(0)
        assert [view.waited for view in views] == [True]

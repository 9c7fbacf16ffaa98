"""How fast pages are is measured on pages that run."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator

import pytest

from dashboard.views.project import TABS
from scripts import bench_dashboard
from tests import browsing
from tests.dashboard_parts import SOON, Site, beating

pytestmark = [pytest.mark.slow, browsing.NEEDS_CHROMIUM]


@pytest.fixture(scope="module")
def running(redis_url: str, unique: Callable[[str], str]) -> Iterator[Site]:
    with beating(redis_url, unique("fraud"), SOON) as served:
        yield served


def test_pages_are_measured(running: Site, capsys: pytest.CaptureFixture[str]) -> None:
    ended = threading.Event()
    learning = threading.Thread(target=learn_until, args=(running, ended))
    learning.start()
    places = ["--url", running.url, "--api", running.api.url]
    few = ["--tries", "1", "--sessions", "2", "--json"]
    try:
        assert bench_dashboard.main([running.project.slug, *places, *few]) == 0
    finally:
        ended.set()
        learning.join()
    figures = json.loads(capsys.readouterr().out)
    assert set(figures["pages"]) == {"overview", running.project.slug}
    for page in figures["pages"].values():
        assert 0 < page["paint"]["median"] <= page["paint"]["most"]
        assert page["paint"]["median"] < page["values"]["median"]
    assert set(figures["tabs"]) == set(TABS)
    assert all(each["first"] > 0 for each in figures["tabs"].values())
    assert figures["ahead"]["made_after"] > 0
    assert set(figures["ahead"]["tabs"]) == set(TABS)
    assert figures["update"]["median"] > 0
    sessions = figures["sessions"]
    assert sessions["count"] == 2
    expected = sessions["after_mb"] / sessions["before_mb"]
    assert sessions["ratio"] == pytest.approx(expected, abs=0.01)


def learn_until(running: Site, ended: threading.Event) -> None:
    while not ended.wait(0.5):
        running.learn(5)
        running.publish()

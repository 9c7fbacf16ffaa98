"""Trips on coordinates of their own, and the query that finds them."""

from __future__ import annotations

import base64
import math
import re
from typing import Any

import panel as pn
import pytest
from playwright.sync_api import Browser, expect

from dashboard import pictures, theme
from dashboard.pictures import trips
from dashboard.views.project import task_views
from dashboard.views.regression import RegressionReport, RegressionVerdict
from flows import projects
from tests import browsing
from tests.dashboard_parts import served

pytestmark = pytest.mark.usefixtures("own_document")

TILES = "http://tiles.test/{Z}/{X}/{Y}.png"
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A picture of one pixel."""

EARTH = 6_378_137
ANSWER = {"value": 900.0, "lower": None, "upper": None}
HERE, THERE = {"lat": 29.7, "lon": -95.4}, {"lat": 29.8, "lon": -95.4}
EAST = {"lat": 29.75, "lon": -95.2}


def row(predicted: float, actual: float) -> dict[str, Any]:
    return {"origin": HERE, "destination": THERE, "predicted": predicted, "actual": actual}


def test_a_tenth_of_a_degree_north_is_eleven_kilometres() -> None:
    assert trips.kilometres(HERE, THERE) == pytest.approx(11.12)
    east = {"lat": 29.7, "lon": -95.3}
    assert trips.kilometres(HERE, east) == pytest.approx(9.66, abs=0.01)


def test_late_trips_are_red_and_the_farther_off_the_stronger() -> None:
    drawn = trips.trips([row(1_000, 1_100), row(1_000, 700)], "s").dframe()
    assert list(drawn["color"]) == [theme.BAD, theme.GOOD]
    assert drawn["strength"][0] < drawn["strength"][1] < 1
    assert drawn["text"][0] == "predicted 16 min 40 s, took 18 min 20 s"
    assert len(trips.trips(None, "s")) == 0


def test_trip_of_one_event_has_both_its_places() -> None:
    way, dots, names = trips.trip({"origin": HERE, "destination": THERE}).values()
    assert len(way) == len(dots) == 2
    assert list(names.dimension_values("name")) == ["origin", "destination"]


def test_on_tiles_places_are_where_the_web_has_them() -> None:
    """Web Mercator, on a sphere: Snyder, Map Projections (1987), page 41."""
    tiles, way, dots, _names = trips.trip({"origin": HERE, "destination": THERE}, TILES).values()
    assert tiles.data == TILES
    east = EARTH * math.radians(HERE["lon"])
    norths = [EARTH * math.asinh(math.tan(math.radians(end["lat"]))) for end in (HERE, THERE)]
    assert list(dots.dimension_values(0)) == pytest.approx([east, east])
    assert list(way.dimension_values(1)) == pytest.approx(norths)
    below, lines = trips.trips([row(1_000, 1_100)], "s", TILES).values()
    assert (below.data, list(lines.dframe()["color"])) == (TILES, [theme.BAD])


@pytest.mark.parametrize("other", [THERE, EAST, HERE])
def test_trip_has_room_in_its_square(other: dict[str, float]) -> None:
    way, _, _ = trips.trip({"origin": HERE, "destination": other}).values()
    limits = [way.opts.get("plot").kwargs[name] for name in ("xlim", "ylim")]
    for axis, (low, high) in enumerate(limits):
        assert all(low < end < high for end in way.dimension_values(axis))
    widths = [high - low for low, high in limits]
    assert widths[0] == pytest.approx(widths[1])


def test_page_of_trips_knows_its_tiles() -> None:
    report, verdict = task_views(projects.get("eta"), TILES)
    assert (report.tiles, verdict.tiles) == (TILES, TILES)
    verdict.param.update(event={"origin": HERE, "destination": THERE}, answer=ANSWER)
    drawn = verdict._trip.map[()]  # type: ignore[attr-defined]
    assert drawn.values()[0].data == TILES


@pytest.mark.slow
@browsing.NEEDS_CHROMIUM
def test_trip_is_drawn_to_its_edges(browser: Browser) -> None:
    """One that is stretched beyond the size that Bokeh was told would be cut off at that size."""

    def made() -> Any:
        verdict = RegressionVerdict(unit="s")
        verdict.param.update(event={"origin": HERE, "destination": EAST}, answer=ANSWER)
        return pn.Column(verdict, sizing_mode="stretch_width")

    with served(made) as url, browsing.window(browser) as window:
        page = window.new_page()
        page.goto(url)
        expect(page.locator("canvas").first).to_be_visible()
        browsing.settle(page)
        assert page.evaluate(SIZES) == [[trips.SIDE] * 4]


SIZES = """() => [...Bokeh.documents[0].all_models].filter((one) => one.type === "Figure").map(
  (one) => [one.inner_width, one.frame_width, one.inner_height, one.frame_height])"""


@pytest.mark.slow
@browsing.NEEDS_CHROMIUM
def test_browser_gets_the_tiles_below_a_trip(browser: Browser) -> None:
    def made() -> Any:
        picture = pictures.Picture(lambda data: trips.trip(data, TILES), trips.LOW)
        picture.send({"origin": HERE, "destination": THERE})
        return pn.Column(picture.pane, sizing_mode="stretch_width")

    with served(made) as url, browsing.window(browser) as window:
        page = window.new_page()
        page.route(
            "http://tiles.test/**", lambda each: each.fulfill(body=DOT, content_type="image/png")
        )
        with page.expect_request("http://tiles.test/**") as asked:
            page.goto(url)
        assert re.fullmatch(r"http://tiles\.test/\d+/\d+/\d+\.png", asked.value.url)


@pytest.mark.parametrize(
    ("value", "expected"), [(HERE, True), ({"lat": 1.0}, False), (3, False), (None, False)]
)
def test_place_has_latitude_and_longitude(value: Any, expected: bool) -> None:
    assert trips.is_place(value) is expected


def test_only_projects_with_trips_have_a_query() -> None:
    query = RegressionReport().query(projects.get("eta"))
    assert query.startswith("SELECT origin, destination, prediction_value, simulated_actual")
    assert RegressionReport().query(projects.get("fraud")) == ""


def test_trips_appear_with_the_first_rows() -> None:
    view = RegressionReport(unit="s")
    assert not view._trips_card.visible
    view.rows = [[HERE, THERE, 900.0, 950]]
    assert view._trips_card.visible
    assert view._trips._pipe.data == [row(900.0, 950)]


def test_verdict_draws_the_trip_that_was_asked_about() -> None:
    verdict = RegressionVerdict(unit="s")
    verdict.param.update(event={"origin": HERE, "destination": THERE, "km": 3}, answer=ANSWER)
    assert verdict._trip.pane.visible
    verdict.param.update(event={"km": 3}, answer={**ANSWER, "value": 1.0})
    assert not verdict._trip.pane.visible

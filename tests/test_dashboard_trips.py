"""Trips on coordinates of their own, and the query that finds them."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard import theme
from dashboard.pictures import trips
from dashboard.views.regression import RegressionReport, RegressionVerdict
from flows import projects

pytestmark = pytest.mark.usefixtures("own_document")

HERE, THERE = {"lat": 29.7, "lon": -95.4}, {"lat": 29.8, "lon": -95.4}


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
    answer = {"value": 900.0, "lower": None, "upper": None}
    verdict.param.update(event={"origin": HERE, "destination": THERE, "km": 3}, answer=answer)
    assert verdict._trip.pane.visible
    verdict.param.update(event={"km": 3}, answer={**answer, "value": 1.0})
    assert not verdict._trip.pane.visible

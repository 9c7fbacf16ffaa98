"""Both streams of trips have the fields and causes that they promise."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from statistics import mean, median
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.errors import SettingsError
from flows.projects.eta import PROJECT, VEHICLES, WEATHERS, Trip
from scripts.streams import Event, events
from scripts.streams.eta_reference import RUSH_HOURS, distance_km

LABEL = "simulated_actual_travel_time_seconds"
SPECIFIED_FIELDS = {
    "trip_id": str,
    "driver_id": str,
    "vehicle_id": str,
    "timestamp": str,
    "origin": dict,
    "destination": dict,
    "estimated_distance_km": float,
    "weather": str,
    "temperature_celsius": float,
    "day_of_week": int,
    "hour_of_day": int,
    "driver_rating": float,
    "vehicle_type": str,
    "initial_estimated_travel_time_seconds": int,
    LABEL: int,
    "debug_traffic_factor": float,
    "debug_weather_factor": float,
    "debug_incident_delay_seconds": int,
    "debug_driver_factor": float,
}
both_profiles = pytest.mark.parametrize("profile", ["reference", "living"])


@pytest.fixture(scope="module")
def usual() -> list[Event]:
    return list(events("eta", profile="reference", count=20_000, seed=0))


def assert_share(hits: int, trials: int, share: float) -> None:
    """Hits lie within four standard deviations of a binomial with the expected share."""
    assert abs(hits - trials * share) <= 4 * math.sqrt(trials * share * (1 - share))


def time_of(event: Event) -> datetime:
    return datetime.fromisoformat(event["timestamp"])


def pace(event: Event) -> float:
    """Seconds for a kilometre."""
    return float(event[LABEL] / event["estimated_distance_km"])


@both_profiles
def test_fields_are_those_of_the_specification(profile: str) -> None:
    for event in events("eta", profile=profile, count=300):
        assert {name: type(value) for name, value in event.items()} == SPECIFIED_FIELDS


@both_profiles
@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**9),
    start=st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_every_event_is_a_trip_whatever_the_seed(profile: str, seed: int, start: datetime) -> None:
    for event in events("eta", profile=profile, seed=seed, start=start, count=20):
        trip = msgspec.convert(event, Trip)
        assert trip.weather in WEATHERS
        assert trip.vehicle_type in VEHICLES
        assert (trip.simulated_actual_travel_time_seconds or 0) >= 60
        assert trip.initial_estimated_travel_time_seconds >= 60
        assert 29.5 <= trip.origin.lat <= 30.1 and -95.8 <= trip.origin.lon <= -95.0
        assert (trip.day_of_week, trip.hour_of_day) == (
            trip.timestamp.weekday(),
            trip.timestamp.hour,
        )
        far = distance_km(event["origin"], event["destination"])
        assert trip.estimated_distance_km == pytest.approx(far, abs=0.006)
        assert PROJECT.task.check_label(event[LABEL]) == event[LABEL]


@both_profiles
def test_the_four_causes_explain_the_label(profile: str) -> None:
    """What the debug fields leave open is luck, and rounding."""
    open_ended = []
    for event in events("eta", profile=profile, count=2000):
        causes = ("traffic", "weather", "driver")
        factor = math.prod(event[f"debug_{cause}_factor"] for cause in causes)
        without_incident = event[LABEL] - event["debug_incident_delay_seconds"]
        open_ended.append(without_incident / (event["estimated_distance_km"] * factor))
    middle = median(open_ended)
    assert 60 < middle < 130
    assert mean(abs(one / middle - 1) < 0.5 for one in open_ended) > 0.9


def test_the_reference_starts_on_a_monday_and_lasts_until_thursday(usual: list[Event]) -> None:
    assert usual[0]["timestamp"] == "2026-01-05T00:00:00.000000+00:00"
    assert {event["day_of_week"] for event in usual} == {0, 1, 2, 3}
    gaps = [(b - a).total_seconds() for a, b in pairwise(map(time_of, usual))]
    assert min(gaps) >= 3.0 and max(gaps) <= 30.0


def test_weather_of_the_reference_has_its_shares(usual: list[Event]) -> None:
    found = Counter(event["weather"] for event in usual)
    for weather, share in zip(WEATHERS, (0.6, 0.15, 0.1, 0.05, 0.05, 0.05), strict=True):
        assert_share(found[weather], len(usual), share)


def test_weather_of_the_reference_rarely_matters(usual: list[Event]) -> None:
    bad = [event for event in usual if event["weather"] not in ("Clear", "Clouds")]
    slowed = [event for event in usual if event["debug_weather_factor"] > 1]
    assert all(event in bad for event in slowed[:50])
    assert_share(len(slowed), len(bad), 0.1)


def test_traffic_of_the_reference_depends_on_the_hour_in_utc(usual: list[Event]) -> None:
    for event in usual:
        low, high = (1.3, 2.0) if event["hour_of_day"] in RUSH_HOURS else (0.9, 1.4)
        assert low - 0.005 <= event["debug_traffic_factor"] <= high + 0.005
    assert len({event["hour_of_day"] for event in usual} & RUSH_HOURS) == 8


def test_weekends_of_the_reference_are_quiet() -> None:
    saturday = datetime(2026, 1, 10, tzinfo=UTC)
    for event in events("eta", profile="reference", start=saturday, count=2000):
        assert 0.795 <= event["debug_traffic_factor"] <= 1.205


def test_figures_of_the_reference_are_those_that_were_measured(usual: list[Event]) -> None:
    """Seed and generator differ from where they were measured, so the figures are near only."""

    def closed_form(event: Event) -> float:
        traffic = 1.65 if event["hour_of_day"] in RUSH_HOURS else 1.15
        rating = 1 - (event["driver_rating"] - 4.5) * 0.05
        return float(event["estimated_distance_km"] * 90 * traffic * rating)

    guess = "initial_estimated_travel_time_seconds"
    assert mean(abs(e[LABEL] - e[guess]) for e in usual) == pytest.approx(1276, rel=0.03)
    assert mean(abs(e[LABEL] - closed_form(e)) for e in usual) == pytest.approx(535, rel=0.03)


def test_drivers_and_vehicles_of_the_reference_are_drawn_each_time(usual: list[Event]) -> None:
    numbers = {int(event["driver_id"].removeprefix("driver_")) for event in usual}
    assert min(numbers) >= 1000 and max(numbers) <= 5000 and len(numbers) > 3900
    vehicles = {int(event["vehicle_id"].removeprefix("vehicle_")) for event in usual}
    assert (min(vehicles), max(vehicles)) == (100, 999)


@pytest.mark.parametrize(
    ("options", "field", "expected"),
    [
        ({"incident_probability": 1.0}, "debug_incident_delay_seconds", lambda one: one >= 300),
        ({"incident_probability": 0.0}, "debug_incident_delay_seconds", lambda one: one == 0),
        ({"bad_weather_probability": 0.0}, "debug_weather_factor", lambda one: one == 1.0),
        ({"heavy_traffic_multiplier": 1.3}, "debug_traffic_factor", lambda one: one <= 1.4),
    ],
)
def test_options_shape_the_reference(options: dict[str, Any], field: str, expected: Any) -> None:
    for event in events("eta", profile="reference", count=1500, **options):
        assert expected(event[field])


@pytest.mark.parametrize(
    ("profile", "name", "value"),
    [
        ("reference", "heavy_traffic_multiplier", 1.2),
        ("reference", "incident_probability", 1.1),
        ("reference", "bad_weather_probability", -0.1),
        ("living", "drivers", 0),
        ("living", "noise", 0.0),
        ("living", "incident_probability", 2.0),
    ],
)
def test_impossible_options_are_refused(profile: str, name: str, value: float) -> None:
    options: dict[str, Any] = {name: value}
    with pytest.raises(SettingsError, match=f"{name}={value}"):
        events("eta", profile=profile, **options)

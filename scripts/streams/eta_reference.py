"""Trips across Houston, each drawn by itself: drivers have no history, weather hardly matters."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import asin, cos, radians, sin, sqrt

from flows.projects.eta import VEHICLES, WEATHERS
from scripts.streams.controls import Controls
from scripts.streams.stream import (
    Clock,
    Event,
    Stream,
    check_at_least,
    check_probability,
    iso,
    uuid4,
)

EARTH_RADIUS_KM = 6371.0
LATITUDES = (29.5, 30.1)
LONGITUDES = (-95.8, -95.0)
SHORTEST_STEP = 0.001
USUAL_KM_PER_HOUR = 40.0
SHORTEST_SECONDS = 60
WEATHER_SHARES = (0.6, 0.15, 0.1, 0.05, 0.05, 0.05)
SLOWER_BY = {
    "Rain": (1.1, 1.4),
    "Heavy Rain": (1.3, 1.8),
    "Fog": (1.2, 1.6),
    "Thunderstorm": (1.4, 2.0),
}
RUSH_HOURS = frozenset((*range(6, 10), *range(16, 20)))
FIRST_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
SPEED = 30.0
"""Of the stream's own clock: an hour of events shows more than a day."""


@dataclass(frozen=True, slots=True)
class Options:
    """Probabilities are in [0, 1]; the multiplier is the slowest that a rush hour can be."""

    heavy_traffic_multiplier: float = field(
        default=2.0, metadata={"help": "slowest traffic of the rush hours, at least 1.3"}
    )
    bad_weather_probability: float = field(
        default=0.1, metadata={"help": "share of bad weather that slows a trip down"}
    )
    incident_probability: float = field(default=0.02, metadata={"help": "share with an incident"})

    def __post_init__(self) -> None:
        """Refuse values that no stream can have."""
        check_at_least("heavy_traffic_multiplier", self.heavy_traffic_multiplier, 1.3)
        check_probability("bad_weather_probability", self.bad_weather_probability)
        check_probability("incident_probability", self.incident_probability)


def generate(rng: random.Random, clock: Clock, options: Options, _: Controls) -> Iterator[Event]:
    """Draw trips for ever, 0.1 to 1 s apart; nothing about them can be changed."""
    while True:
        time = clock(rng.uniform(0.1, 1.0))
        event = _any_trip(rng, time)
        _drive(event, rng, time, options)
        yield event


def distance_km(origin: Event, destination: Event) -> float:
    """Great-circle distance between two places with `lat` and `lon` in degrees."""
    south, north = radians(origin["lat"]), radians(destination["lat"])
    east = radians(destination["lon"] - origin["lon"])
    half_chord = sin((north - south) / 2) ** 2 + cos(south) * cos(north) * sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(half_chord))


def first_estimate(rng: random.Random, distance: float) -> int:
    """Guess the seconds that a trip takes from its distance alone."""
    return max(SHORTEST_SECONDS, int(_usual_seconds(distance) * rng.uniform(0.9, 1.1)))


def _any_trip(rng: random.Random, time: datetime) -> Event:
    """Draw what is known of a trip when it begins."""
    origin, destination = _two_places(rng)
    distance = distance_km(origin, destination)
    return {
        "trip_id": uuid4(rng),
        "driver_id": f"driver_{rng.randint(1000, 5000)}",
        "vehicle_id": f"vehicle_{rng.randint(100, 999)}",
        "timestamp": iso(time),
        "origin": origin,
        "destination": destination,
        "estimated_distance_km": round(distance, 2),
        "weather": rng.choices(WEATHERS, WEATHER_SHARES)[0],
        "temperature_celsius": round(rng.uniform(15, 30), 1),
        "day_of_week": time.weekday(),
        "hour_of_day": time.hour,
        "driver_rating": round(rng.uniform(3.5, 5.0), 1),
        "vehicle_type": rng.choice(VEHICLES),
        "initial_estimated_travel_time_seconds": first_estimate(rng, distance),
    }


def _two_places(rng: random.Random) -> tuple[Event, Event]:
    """Two places that are not the same."""
    while True:
        origin, destination = _place(rng), _place(rng)
        if any(abs(origin[name] - destination[name]) >= SHORTEST_STEP for name in origin):
            return origin, destination


def _place(rng: random.Random) -> Event:
    return {"lat": round(rng.uniform(*LATITUDES), 6), "lon": round(rng.uniform(*LONGITUDES), 6)}


def _usual_seconds(distance: float) -> float:
    return distance / USUAL_KM_PER_HOUR * 3600


def _drive(event: Event, rng: random.Random, time: datetime, options: Options) -> None:
    """Add how long it took, and why."""
    traffic = rng.uniform(*_traffic(time, options))
    weather = _weather_factor(event["weather"], rng, options)
    incident = rng.randint(300, 1800) if rng.random() < options.incident_probability else 0
    driver = 1 - (event["driver_rating"] - 4.5) * 0.05
    usual = _usual_seconds(distance_km(event["origin"], event["destination"]))
    took = usual * traffic * weather * driver + incident + rng.uniform(-60, 60)
    event["simulated_actual_travel_time_seconds"] = max(SHORTEST_SECONDS, int(took))
    event["debug_traffic_factor"] = round(traffic, 2)
    event["debug_weather_factor"] = round(weather, 2)
    event["debug_incident_delay_seconds"] = incident
    event["debug_driver_factor"] = round(driver, 2)


def _traffic(time: datetime, options: Options) -> tuple[float, float]:
    """How much slower than usual traffic may be, from least to most."""
    if time.weekday() >= 5:
        return 0.8, 1.2
    if time.hour in RUSH_HOURS:
        return 1.3, options.heavy_traffic_multiplier
    return 0.9, 1.4


def _weather_factor(weather: str, rng: random.Random, options: Options) -> float:
    if rng.random() < options.bad_weather_probability and weather in SLOWER_BY:
        return rng.uniform(*SLOWER_BY[weather])
    return 1.0


STREAM = Stream(Options, generate, rate=1 / 0.55, start=FIRST_MONDAY, speed=SPEED)

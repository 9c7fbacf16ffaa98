"""Estimated Time of Arrival: how long will this trip take?"""

from __future__ import annotations

from datetime import datetime
from math import cos, pi, sin
from typing import Annotated

import msgspec

from flows.learning.models.effects import Category, Curve, Step, Surface
from flows.learning.models.multiplicative_regression import MultiplicativeRegression
from flows.learning.models.quantile_interval import QuantileInterval
from flows.learning.tasks.regression import Regression
from flows.projects.forms import about
from flows.projects.houston import HOUSTON, bearing, crosses_the_channel, kind_of_day, quarter
from flows.projects.spec import Features, Project, Query

WEATHERS = ("Clear", "Clouds", "Rain", "Heavy Rain", "Fog", "Thunderstorm")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
QUARTER_KM = 12.0
DRIVERS = tuple(f"driver_{number}" for number in range(1000, 1100))
CARS = tuple(f"vehicle_{number}" for number in range(100, 200))
VEHICLES = ("Sedan", "SUV", "Hatchback", "Motorcycle", "Van")

Id = Annotated[str, about("Identifies it among all others", generated=True, min_length=1)]
Latitude = Annotated[float, about("Latitude", unit="°", typical=(29.5, 30.1), ge=-90, le=90)]
Longitude = Annotated[float, about("Longitude", unit="°", typical=(-95.8, -95.0), ge=-180, le=180)]
Multiplier = Annotated[float, about("What multiplied the simulated time; no input", ge=0, le=1e6)]

HALF_PAST = tuple(hour + 0.5 for hour in range(24))
KILOMETRES = (0.5, 1, 2, 4, 6, 9, 13, 18, 25, 35, 50, 70)
DEGREES = (-5, 0, 4, 8, 15, 22, 28, 33, 38)
MESH = (0.1, 0.115)
"""Degrees of latitude and longitude: 11 km either way."""
ORIGIN = ("origin_lat", "origin_lon")
DESTINATION = ("destination_lat", "destination_lon")

EFFECTS = (
    Curve(name="distance_km", knots=KILOMETRES, table="distance", spread=0.2),
    Step(name="hour", table="hour", spread=0.2, leads=True),
    Curve(name="hour", knots=HALF_PAST, period=24, table="clock", leads=True),
    Step(name="hour", by="day", table="day", leads=True),
    Category(name="crosses_channel", table="channel", spread=0.1),
    Category(name="weather", table="weather", spread=0.15),
    Curve(name="temperature_celsius", knots=DEGREES, table="temperature", spread=0.03),
    Curve(name="driver_rating", knots=(3, 3.5, 4, 4.5, 5), table="rating", spread=0.05),
    Category(name="vehicle_type", table="vehicle", spread=0.05),
    Surface(names=ORIGIN, step=MESH, shown_as="origin", table="place", spread=0.05),
    Surface(names=DESTINATION, step=MESH, shown_as="destination", table="place", spread=0.05),
    Surface(names=ORIGIN, step=MESH, shown_as="origin", table="rush", spread=0.05, follows=True),
    Surface(
        names=DESTINATION,
        step=MESH,
        shown_as="destination",
        table="rush",
        spread=0.05,
        follows=True,
    ),
)
"""How full the roads are depends on the hour; how much that matters, on both ends of the trip."""


class Place(msgspec.Struct, frozen=True, gc=False):
    """A point of the city."""

    lat: Latitude
    lon: Longitude


class Trip(msgspec.Struct, frozen=True, gc=False):
    """One ride; its actual travel time is None until it has ended."""

    trip_id: Id
    driver_id: Annotated[str, about("Who drives", choices=DRIVERS)]
    vehicle_id: Annotated[str, about("What is driven", choices=CARS)]
    timestamp: Annotated[datetime, about("When the trip begins", tz=True)]
    origin: Place
    destination: Place
    estimated_distance_km: Annotated[
        float, about("Distance as the crow flies", unit="km", typical=(2, 60), ge=0, le=20_100)
    ]
    weather: Annotated[str, about("Weather at the start", choices=WEATHERS)]
    temperature_celsius: Annotated[
        float, about("Temperature at the start", unit="°C", typical=(15, 30), ge=-90, le=70)
    ]
    day_of_week: Annotated[
        int, about("Day of the week in UTC, Monday is 0", clock="weekday", ge=0, le=6)
    ]
    hour_of_day: Annotated[int, about("Hour of the day in UTC", clock="hour", ge=0, le=23)]
    driver_rating: Annotated[
        float, about("What passengers think of the driver", typical=(3.5, 5), ge=0, le=5)
    ]
    vehicle_type: Annotated[str, about("Kind of vehicle", choices=VEHICLES)]
    initial_estimated_travel_time_seconds: Annotated[
        int,
        about(
            "First guess, from the distance alone", unit="s", typical=(180, 5400), ge=0, le=10**7
        ),
    ]
    simulated_actual_travel_time_seconds: (
        Annotated[int, about("Label: how long the trip took", unit="s", ge=0, le=10**7)] | None
    ) = None
    debug_traffic_factor: Multiplier | None = None
    debug_weather_factor: Multiplier | None = None
    debug_incident_delay_seconds: (
        Annotated[int, about("Simulated delay; no input", unit="s", ge=0, le=10**7)] | None
    ) = None
    debug_driver_factor: Multiplier | None = None


def features(event: Trip) -> Features:
    """What the model sees of a trip: all that is known when it begins."""
    local = event.timestamp.astimezone(HOUSTON)
    origin, destination = event.origin, event.destination
    north, east = destination.lat - origin.lat, destination.lon - origin.lon
    hour = local.hour + local.minute / 60
    angle = hour * pi / 12
    return {
        "distance_km": event.estimated_distance_km,
        "initial_estimate_seconds": event.initial_estimated_travel_time_seconds,
        "hour": hour,
        "hour_sin": sin(angle),
        "hour_cos": cos(angle),
        "weekday": WEEKDAYS[local.weekday()],
        "day": kind_of_day(local),
        "bearing": bearing(north, east),
        "origin_lat": origin.lat,
        "origin_lon": origin.lon,
        "destination_lat": destination.lat,
        "destination_lon": destination.lon,
        "crosses_channel": crosses_the_channel(origin.lon, destination.lon),
        "origin_quarter": quarter(origin.lat, origin.lon, QUARTER_KM),
        "weather": event.weather,
        "temperature_celsius": event.temperature_celsius,
        "driver": event.driver_id,
        "driver_rating": event.driver_rating,
        "vehicle_type": event.vehicle_type,
    }


def model() -> QuantileInterval:
    """Make an untrained model."""
    trips = MultiplicativeRegression("distance_km", EFFECTS, "driver")
    return QuantileInterval(trips, watched=("hour", "day", "origin_quarter", "weather"))


def baseline() -> QuantileInterval:
    """Make an untrained challenger: the usual ratio to the first guess, hour by hour."""
    hours = (Step(name="hour", by="day", table="hour", spread=0.3),)
    return QuantileInterval(MultiplicativeRegression("initial_estimate_seconds", hours))


PROJECT = Project(
    slug="eta",
    title="Estimated Time of Arrival",
    summary="How long will this trip take?",
    topic="estimated_time_of_arrival",
    task=Regression(unit="s", least=0.0, relative=True),
    event=Trip,
    event_id="trip_id",
    entity="driver_id",
    label="simulated_actual_travel_time_seconds",
    features=features,
    model=model,
    challengers={"hourly ratio": baseline},
    score="MAE",
    forbidden_inputs=frozenset(
        {
            "debug_traffic_factor",
            "debug_weather_factor",
            "debug_incident_delay_seconds",
            "debug_driver_factor",
        }
    ),
    seasonal_inputs=frozenset(
        {"hour", "hour_sin", "hour_cos", "weekday", "day", "weather", "temperature_celsius"}
    ),
    queries=(
        Query("Newest trips", "SELECT * FROM eta ORDER BY timestamp DESC LIMIT 100"),
        Query(
            "Slowest trips",
            "SELECT *, round(estimated_distance_km * 3600\n"
            "  / simulated_actual_travel_time_seconds, 1) AS km_per_hour\n"
            "FROM eta WHERE simulated_actual_travel_time_seconds > 0\n"
            "ORDER BY km_per_hour LIMIT 100",
        ),
        Query(
            "Time lost by hour",
            "SELECT hour_of_day, count(*) AS trips,\n"
            "  round(avg(simulated_actual_travel_time_seconds\n"
            "    - initial_estimated_travel_time_seconds)) AS mean_seconds_late\n"
            "FROM eta GROUP BY hour_of_day ORDER BY hour_of_day",
        ),
        Query(
            "Time lost by weather",
            "SELECT weather, count(*) AS trips,\n"
            "  round(sum(simulated_actual_travel_time_seconds)\n"
            "    / sum(initial_estimated_travel_time_seconds), 3) AS times_the_first_guess\n"
            "FROM eta WHERE simulated_actual_travel_time_seconds IS NOT NULL\n"
            "GROUP BY weather ORDER BY times_the_first_guess DESC",
        ),
        Query(
            "Busiest drivers",
            "SELECT driver_id, count(*) AS trips, round(avg(driver_rating), 2) AS rating,\n"
            "  round(sum(estimated_distance_km)) AS km\n"
            "FROM eta GROUP BY driver_id ORDER BY trips DESC, driver_id LIMIT 20",
        ),
        Query("Number of trips", "SELECT count(*) AS trips FROM eta"),
    ),
)

"""The city that the living trips cross: where people go, when roads are full, what the sky does."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from math import cos, exp, pi
from typing import NamedTuple

from flows.projects.houston import is_holiday
from scripts.streams.stream import Event

LATITUDES = (29.5, 30.1)
LONGITUDES = (-95.8, -95.0)


class Hub(NamedTuple):
    """A part of the city: its middle, its radius in degrees, and what draws people there."""

    lat: float
    lon: float
    radius: float
    work: float
    home: float
    leisure: float
    crowd: float


HUBS = (
    Hub(29.76, -95.37, 0.03, 5.0, 1.0, 3.0, 1.0),  # Downtown
    Hub(29.71, -95.40, 0.02, 3.0, 0.5, 0.5, 0.8),  # Medical Center
    Hub(29.74, -95.46, 0.03, 2.5, 1.0, 3.0, 0.9),  # Galleria
    Hub(29.78, -95.63, 0.04, 2.5, 1.5, 0.5, 0.6),  # Energy Corridor
    Hub(29.98, -95.34, 0.02, 1.5, 0.3, 1.5, 0.5),  # Intercontinental airport
    Hub(29.65, -95.28, 0.02, 1.0, 0.5, 1.0, 0.4),  # Hobby airport
    Hub(29.60, -95.62, 0.05, 0.7, 3.0, 0.7, 0.2),  # Sugar Land
    Hub(29.55, -95.09, 0.05, 1.0, 2.5, 1.0, 0.2),  # Clear Lake
    Hub(29.70, -95.10, 0.05, 1.5, 2.0, 0.4, 0.3),  # Pasadena
    Hub(30.04, -95.53, 0.05, 0.6, 3.0, 0.6, 0.2),  # Champions
    Hub(29.80, -95.40, 0.03, 0.8, 2.0, 2.0, 0.6),  # The Heights
    Hub(29.99, -95.16, 0.05, 0.4, 2.5, 0.5, 0.1),  # Humble
)

Draw = tuple[float, ...]
"""What the hubs draw: sums up to each of them."""


def _draw(what: Callable[[Hub], float]) -> Draw:
    return tuple(accumulate(map(what, HUBS)))


TO_WORK = _draw(lambda hub: hub.home), _draw(lambda hub: hub.work)
FROM_WORK = _draw(lambda hub: hub.work), _draw(lambda hub: hub.home + 0.3 * hub.leisure)
TO_BED = _draw(lambda hub: hub.leisure), _draw(lambda hub: hub.home)
OUT = _draw(lambda hub: hub.home + hub.work), _draw(lambda hub: hub.leisure + 0.3 * hub.home)
CROWDS = tuple((hub.lat, hub.lon, 2 * (hub.radius + 0.02) ** 2, hub.crowd) for hub in HUBS)
FAR = 20.0

NEXT_WEATHER = {
    "Clear": (("Clouds", 0.10), ("Fog", 0.01)),
    "Clouds": (("Clear", 0.18), ("Rain", 0.10), ("Thunderstorm", 0.02)),
    "Rain": (("Clouds", 0.30), ("Heavy Rain", 0.12)),
    "Heavy Rain": (("Rain", 0.35), ("Thunderstorm", 0.08)),
    "Thunderstorm": (("Heavy Rain", 0.30), ("Clouds", 0.20)),
    "Fog": (("Clear", 0.25), ("Clouds", 0.15)),
}
"""What may follow within an hour; otherwise it stays."""
SLOWNESS = {"Rain": 0.12, "Heavy Rain": 0.28, "Fog": 0.20, "Thunderstorm": 0.38}
"""Logarithm of how many times longer a trip takes."""
LONGEST_GAP = 72
AN_HOUR = timedelta(hours=1)


@dataclass(slots=True)
class Sky:
    """Weather that lasts, and temperature by season, hour and the mood of the day."""

    rng: random.Random
    weather: str = "Clear"
    mood: float = 0.0
    _hour: datetime | None = None

    def pass_time(self, time: datetime) -> None:
        """Let the hours pass that have begun since it was last asked."""
        if self._hour is not None and time - self._hour < AN_HOUR:
            return
        hour = time.replace(minute=0, second=0, microsecond=0)
        gone = LONGEST_GAP if self._hour is None else (hour - self._hour) // timedelta(hours=1)
        for _ in range(min(gone, LONGEST_GAP)):
            self._turn()
        if gone > 0:
            self._hour = hour

    def _turn(self) -> None:
        chance = self.rng.random()
        self.mood = 0.97 * self.mood + self.rng.gauss(0, 0.8)
        for weather, probability in NEXT_WEATHER[self.weather]:
            chance -= probability
            if chance < 0:
                self.weather = weather
                return

    def temperature(self, local: datetime) -> float:
        """Degrees Celsius."""
        day = local.timetuple().tm_yday
        season = 20.5 - 9 * cos(2 * pi * (day - 15) / 365)
        hour = local.hour + local.minute / 60
        return (
            season + 5 * cos(2 * pi * (hour - 15) / 24) + self.mood - 2 * (self.weather in SLOWNESS)
        )


def demand(hour: float) -> float:
    """How many trips begin at a local hour, 1 on average over the day."""
    return (
        0.58
        + 0.75 * _bump(hour, 8, 1.6)
        + 0.95 * _bump(hour, 17.5, 2.4)
        + 0.35 * _bump(hour, 22, 1.5)
    )


def fullness(local: datetime, shift: float) -> float:
    """How full the roads are, from about 0 to 1; `shift` moves the rush hours."""
    hour = local.hour + local.minute / 60
    weekday = local.weekday()
    if is_holiday(local.date()):
        return 0.2 * _bump(hour, 14, 3)
    if weekday >= 5:
        return 0.35 * _bump(hour, 14, 3) + 0.2 * _bump(hour, 22, 1.5)
    usual, other = _workday(hour, 7.75, 17.25), _workday(hour, 10.25, 14.75)
    friday = 1.15 if weekday == 4 and hour > 12 else 1.0
    return friday * ((1 - shift) * usual + shift * other)


def tide(local: datetime) -> float:
    """1 when everybody goes to work, -1 when everybody goes home."""
    if local.weekday() >= 5 or is_holiday(local.date()):
        return 0.0
    hour = local.hour + local.minute / 60
    return _bump(hour, 7.75, 1.5) - _bump(hour, 17.25, 1.8)


def crowd(place: Event) -> float:
    """How crowded the roads around a place are, from 0 to about 1.5."""
    lat, lon, total = place["lat"], place["lon"], 0.0
    for hub_lat, hub_lon, reach, most in CROWDS:
        away = ((lat - hub_lat) ** 2 + (lon - hub_lon) ** 2) / reach
        if away < FAR:
            total += most * exp(-away)
    return total


def purposes(local: datetime) -> tuple[Draw, Draw]:
    """How strongly each hub draws people from it, and to it, at this time."""
    hour, working = local.hour, local.weekday() < 5 and not is_holiday(local.date())
    if working and 5 <= hour < 11:
        return TO_WORK
    if working and 14 <= hour < 20:
        return FROM_WORK
    return TO_BED if hour < 5 else OUT


def somewhere(rng: random.Random, hub: Hub) -> Event:
    """A place near the middle of a hub, within the city."""
    lat, lon = rng.gauss(hub.lat, hub.radius), rng.gauss(hub.lon, hub.radius)
    return {
        "lat": round(min(max(lat, LATITUDES[0]), LATITUDES[1]), 6),
        "lon": round(min(max(lon, LONGITUDES[0]), LONGITUDES[1]), 6),
    }


def _workday(hour: float, morning: float, evening: float) -> float:
    rush = 0.85 * _bump(hour, morning, 1.1) + _bump(hour, evening, 1.5)
    return rush + 0.2 * _bump(hour, 12.5, 2.5)


def _bump(hour: float, middle: float, width: float) -> float:
    away = abs(hour - middle)
    if away > 12:
        away = 24 - away
    return exp(-((away / width) ** 2) / 2)

"""The city of the trips: its time of day, its days off, its quarters."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from math import atan2, cos, degrees, floor, hypot, radians
from zoneinfo import ZoneInfo

HOUSTON = ZoneInfo("America/Chicago")
MIDDLE_LATITUDE = 29.8
CHANNEL_LONGITUDE = -95.22
"""Whoever goes from one side of it to the other takes one of few bridges or the tunnel."""
KM_PER_DEGREE = 111.2
KM_PER_DEGREE_EAST = KM_PER_DEGREE * cos(radians(MIDDLE_LATITUDE))

FIXED_HOLIDAYS = frozenset({(1, 1), (6, 19), (7, 4), (12, 24), (12, 25)})
MONDAY, THURSDAY, FRIDAY = 0, 3, 4


@cache
def is_holiday(day: date) -> bool:
    """Whether most of the city does not work, though it may be a weekday."""
    if (day.month, day.day) in FIXED_HOLIDAYS:
        return True
    weekday, week = day.weekday(), (day.day - 1) // 7
    if weekday == MONDAY:
        return (day.month == 9 and week == 0) or (day.month == 5 and day.day > 24)
    thanksgiving = day.month == 11 and 22 <= day.day - (weekday == FRIDAY) <= 28
    return weekday in (THURSDAY, FRIDAY) and thanksgiving


def kind_of_day(local: datetime) -> str:
    """One of workday, Saturday, Sunday and holiday."""
    if is_holiday(local.date()):
        return "holiday"
    return ("workday", "Saturday", "Sunday")[max(0, local.weekday() - 4)]


def quarter(lat: float, lon: float, km: float) -> str:
    """Name of the square of the given size that a place lies in."""
    north = floor(lat * KM_PER_DEGREE / km)
    east = floor(lon * KM_PER_DEGREE_EAST / km)
    return f"{north}/{east}"


def crosses_the_channel(from_longitude: float, to_longitude: float) -> bool:
    """Whether a trip has to get across the ship channel."""
    return (from_longitude < CHANNEL_LONGITUDE) != (to_longitude < CHANNEL_LONGITUDE)


def bearing(south_north: float, west_east: float) -> float:
    """Direction of a move by so many degrees of latitude and longitude: 0 north, 90 east."""
    return degrees(atan2(west_east * KM_PER_DEGREE_EAST, south_north * KM_PER_DEGREE)) % 360


def distance_km(south_north: float, west_east: float) -> float:
    """How far a move by so many degrees of latitude and longitude is, within the city."""
    return hypot(west_east * KM_PER_DEGREE_EAST, south_north * KM_PER_DEGREE)

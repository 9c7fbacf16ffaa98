"""A project's curve, of which only what is new is read again."""

from __future__ import annotations

from math import ceil
from typing import Any

ALL, NEWEST = 3_000, 60
"""Points that the API keeps, and that are asked for to go on from those that are known."""

DRAWN = 400
"""Points of a curve that a reader can tell apart."""

Point = dict[str, Any]


def joined(known: list[Point], newest: list[Point]) -> list[Point] | None:
    """The known points and those after them; None where some are missing in between."""
    if not known or not newest or newest[0]["time"] > known[-1]["time"]:
        return None
    last = known[-1]["time"]
    return [*known, *(point for point in newest if point["time"] > last)][-ALL:]


def within(points: list[Point], window: str) -> list[Point]:
    """The points of a window: so many of the newest events, or seconds such as `600s`."""
    key = "time" if window.endswith("s") else "events_learned"
    size = window.removesuffix("s")
    if not points or not size.isdecimal():
        return points
    first = points[-1][key] - int(size)
    return [point for point in points if point[key] >= first]


def thinned(points: list[Point], most: int = DRAWN) -> list[Point]:
    """Every so many-th point, so that there are at most as many; the last is always there."""
    step = ceil(len(points) / most)
    return points[::-1][::step][::-1] if step > 1 else points

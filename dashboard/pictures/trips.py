"""Pictures of trips on coordinates of their own, kilometres east and north; where `tiles` is the
address of map tiles, with {X}, {Y} and {Z}, on those instead."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import cos, hypot, radians
from typing import Any

import holoviews as hv
from holoviews.util.transform import lon_lat_to_easting_northing

from dashboard import theme, wording
from dashboard.pictures import FRAME, STILL, on_paper, tips

TRIPS_NOTE = (
    "The newest trips; red took longer than predicted, green less, stronger is farther off."
)
HIGH, LOW = 420, 260
"""Heights in pixels."""

SIDE = 220
_SQUARE = {"responsive": False, "height": None, "frame_width": SIDE, "frame_height": SIDE}
"""A size that Bokeh is told: one that it finds from an aspect it draws cut off."""

WIDER = 1.6
"""How many times as wide as it is high a picture on tiles is; they stretch where it is not."""

KM_PER_DEGREE = 111.2
_EAST, _NORTH = "km east", "km north"
FARTHEST = 0.4
"""The part of a prediction by which a trip is off that gets the strongest colour."""

Place = dict[str, float]
Point = tuple[float, float]


def is_place(value: Any) -> bool:
    """Whether a value is a latitude and a longitude."""
    return isinstance(value, dict) and value.keys() == {"lat", "lon"}


def trips(told: list[dict[str, Any]] | None, unit: str, tiles: str = "") -> hv.Element:
    """Draw rows of origin, destination, prediction and actual value."""
    rows = []
    at = _placing([row[end] for row in told or [] for end in ("origin", "destination")], tiles)
    for row in told or []:
        off = (row["actual"] - row["predicted"]) / (row["predicted"] or 1)
        said, came = (wording.quantity(row[name], unit) for name in ("predicted", "actual"))
        look = (theme.BAD if off > 0 else theme.GOOD, 0.15 + 0.85 * min(abs(off) / FARTHEST, 1))
        text = f"predicted {said}, took {came}"
        rows.append((*at(row["origin"]), *at(row["destination"]), *look, text))
    frame = {**FRAME, "height": HIGH, "data_aspect": 1}
    ways = hv.Segments(rows, vdims=["color", "strength", "text"]).opts(
        **frame,
        color="color",
        alpha="strength",
        line_width=2,
        xlabel=_EAST,
        ylabel=_NORTH,
        framewise=True,
        **tips(),
    )
    return _on(tiles, ways, frame)


def trip(event: dict[str, Any] | None, tiles: str = "") -> hv.Overlay:
    """Draw the places of one event, in their order, and the straight line between them."""
    named = {name: value for name, value in (event or {}).items() if is_place(value)}
    at = _placing(list(named.values()), tiles)
    places = [(*at(place), wording.words(name)) for name, place in named.items()]
    span, limits = _room([place[:2] for place in places], WIDER if tiles else 1.0)
    frame = {**STILL, **({"height": LOW} if tiles else _SQUARE), **limits}
    way = hv.Curve([place[:2] for place in places], _EAST, _NORTH).opts(
        **frame, color=theme.ACCENT, line_width=3, framewise=True
    )
    dots = hv.Points(places, [_EAST, _NORTH], "name").opts(color=theme.ACCENT, size=12)
    names = hv.Labels(places, [_EAST, _NORTH], "name").opts(
        text_color=theme.CELL_INK, text_font_size="12px", yoffset=0.25 * span, hooks=[on_paper]
    )
    return _on(tiles, way * dots * names, frame)


def kilometres(one: Place, other: Place) -> float:
    """The straight distance of two places."""
    middle = _middle([one, other])
    (x, y), (u, v) = _km(one, middle), _km(other, middle)
    return hypot(u - x, v - y)


def _on(tiles: str, picture: Any, frame: dict[str, Any]) -> Any:
    """Lay map tiles, which need no axes, below a picture; or nothing."""
    if not tiles:
        return picture
    bare = {"xaxis": None, "yaxis": None}
    return (hv.Tiles(tiles) * picture).opts(hv.opts.Overlay(**frame, **bare))


def _room(points: list[Point], width: float) -> tuple[float, dict[str, Point]]:
    """How far places reach from their middle, and limits of a picture with room around them, which
    is so many times as wide as it is high."""
    east, north = zip(*points, strict=True) if points else ((0.0,), (0.0,))
    x, y = ((max(ends) + min(ends)) / 2 for ends in (east, north))
    span = max(max(ends) - min(ends) for ends in (east, north)) / 2 or 1.0
    high, wide = 1.5 * span, 1.5 * span * width
    return span, {"xlim": (x - wide, x + wide), "ylim": (y - high, y + high)}


def _placing(places: list[Place], tiles: str) -> Callable[[Place], Point]:
    """Tell where a place is drawn: kilometres from the middle of all, or where tiles have it."""
    return _mercator if tiles else partial(_km, middle=_middle(places))


def _mercator(place: Place) -> Point:
    east, north = lon_lat_to_easting_northing(place["lon"], place["lat"])
    return float(east), float(north)


def _middle(places: list[Place]) -> Place:
    total = len(places) or 1
    return {name: sum(place[name] for place in places) / total for name in ("lat", "lon")}


def _km(place: Place, middle: Place) -> Point:
    """How far east and north of the middle a place is; flat, as cities are."""
    east = (place["lon"] - middle["lon"]) * KM_PER_DEGREE * cos(radians(middle["lat"]))
    return east, (place["lat"] - middle["lat"]) * KM_PER_DEGREE

"""Pictures of trips on coordinates of their own: kilometres east and north, with no map below."""

from __future__ import annotations

from math import cos, hypot, radians
from typing import Any

import holoviews as hv

from dashboard import theme, wording
from dashboard.pictures import FRAME, STILL, on_paper, tips

TRIPS_NOTE = (
    "The newest trips; red took longer than predicted, green less, stronger is farther off."
)
TRIP_NOTE = "Where it begins and ends; kilometres, north up."
HIGH, LOW = 420, 260
"""Heights in pixels."""

KM_PER_DEGREE = 111.2
FARTHEST = 0.4
"""The part of a prediction by which a trip is off that gets the strongest colour."""

Place = dict[str, float]


def is_place(value: Any) -> bool:
    """Whether a value is a latitude and a longitude."""
    return isinstance(value, dict) and value.keys() == {"lat", "lon"}


def trips(told: list[dict[str, Any]] | None, unit: str) -> hv.Segments:
    """Draw rows of origin, destination, prediction and actual value."""
    rows = []
    middle = _middle([row[end] for row in told or [] for end in ("origin", "destination")])
    for row in told or []:
        off = (row["actual"] - row["predicted"]) / (row["predicted"] or 1)
        said, came = (wording.quantity(row[name], unit) for name in ("predicted", "actual"))
        look = (theme.BAD if off > 0 else theme.GOOD, 0.15 + 0.85 * min(abs(off) / FARTHEST, 1))
        rows.append(
            (
                *_km(row["origin"], middle),
                *_km(row["destination"], middle),
                *look,
                f"predicted {said}, took {came}",
            )
        )
    return hv.Segments(rows, vdims=["color", "strength", "text"]).opts(
        **{**FRAME, "height": HIGH, "data_aspect": 1},
        color="color",
        alpha="strength",
        line_width=2,
        xlabel="km east",
        ylabel="km north",
        framewise=True,
        **tips(),
    )


def trip(event: dict[str, Any] | None) -> hv.Overlay:
    """Draw the places of one event, in their order, and the straight line between them."""
    named = {name: value for name, value in (event or {}).items() if is_place(value)}
    middle = _middle(list(named.values()))
    places = [(*_km(place, middle), wording.words(name)) for name, place in named.items()]
    span = max((abs(end) for x, y, _ in places for end in (x, y)), default=1.0) or 1.0
    frame = {**STILL, "height": LOW, "data_aspect": 1}
    limit = (-1.5 * span, 1.5 * span)
    way = hv.Curve([place[:2] for place in places], "km east", "km north").opts(
        **frame, color=theme.ACCENT, line_width=3, ylim=limit, framewise=True
    )
    dots = hv.Points(places, ["km east", "km north"], "name").opts(color=theme.ACCENT, size=12)
    names = hv.Labels(places, ["km east", "km north"], "name").opts(
        text_color=theme.CELL_INK, text_font_size="12px", yoffset=0.25 * span, hooks=[on_paper]
    )
    return way * dots * names


def kilometres(one: Place, other: Place) -> float:
    """The straight distance of two places."""
    middle = _middle([one, other])
    (x, y), (u, v) = _km(one, middle), _km(other, middle)
    return hypot(u - x, v - y)


def _middle(places: list[Place]) -> Place:
    total = len(places) or 1
    return {name: sum(place[name] for place in places) / total for name in ("lat", "lon")}


def _km(place: Place, middle: Place) -> tuple[float, float]:
    """How far east and north of the middle a place is; flat, as cities are."""
    east = (place["lon"] - middle["lon"]) * KM_PER_DEGREE * cos(radians(middle["lat"]))
    return east, (place["lat"] - middle["lat"]) * KM_PER_DEGREE

"""Pictures of a regression: residuals, pairs, and errors by size, by input and by place."""

from __future__ import annotations

import re
from typing import Any

import holoviews as hv
import numpy as np

from dashboard import theme, wording
from dashboard.pictures import FRAME, STILL, tips

RESIDUAL_NOTE = "Actual minus predicted, without the 1 % at either end; narrow and centred is good."
PAIR_NOTE = "The darker, the more events; on the line is right."
DECILE_NOTE = "Mean error of ten equal parts, from the smallest to the largest prediction."
INPUT_NOTE = "Mean error by what was known of the newest events."
FACTOR_NOTE = "Parts of the city that take longer (red) or less (green) than the mean; north up."
PLACE_NOTE = "Mean error by part of the city, north up; the stronger, the larger."

MAP = 320
SCALE = 84
"""Heights in pixels."""

MOST_BARS = 24
FEWEST_EVENTS = 5
_PLACE = re.compile(r"-?\d+/-?\d+")
CARD_ASPECT = 1.7
TIMES = "\u00d7"
_MINUTE = 60
_TICKS = 6
_KEPT = 0.995


def residuals(told: dict[str, Any] | None, unit: str) -> hv.Overlay:
    """Draw how far off predictions were, and on which side."""
    size, label = _scale(unit)
    found = told or {"edges": [], "counts": []}
    edges = np.array(found["edges"] or [0.0, 1.0]) / size
    counts = np.array(found["counts"] or [0.0])
    histogram = hv.Histogram((edges, counts), kdims=hv.Dimension("residual")).opts(
        **FRAME,
        color=theme.ACCENT,
        line_color=theme.ACCENT,
        fill_alpha=0.55,
        xlabel=f"actual - predicted{label}",
        ylabel="events",
        framewise=True,
    )
    zero = hv.VLine(0).opts(color=theme.QUIET, line_dash="dashed", line_width=2)
    return histogram * zero


def pairs(told: dict[str, Any] | None, unit: str) -> hv.Overlay:
    """Draw how often each value was predicted, by the actual one; cells widen with the value."""
    found = told or {"edges": [], "cells": []}
    cells, edges = found["cells"], found["edges"]
    low, high = _trimmed(cells)
    most = max((count for *_, count in cells), default=1)
    rows = [
        (x, y, x + 1, y + 1, 0.12 + 0.88 * (count / most) ** 0.5, _pair(edges, x, y, count, unit))
        for x, y, count in cells
        if low <= x < high and low <= y < high
    ]
    squares = hv.Rectangles(rows, vdims=["strength", "text"]).opts(
        **{**FRAME, "show_grid": False},
        color=theme.ACCENT,
        alpha="strength",
        line_alpha=0,
        **tips(),
        xlabel="predicted",
        ylabel="actual",
        xticks=_ticks(edges, low, high, unit),
        yticks=_ticks(edges, low, high, unit),
        framewise=True,
    )
    right = hv.Curve([(low, low), (high, high)]).opts(
        color=theme.QUIET, line_dash="dashed", line_width=1
    )
    return squares * right


def deciles(told: list[dict[str, float]] | None, unit: str) -> hv.Bars:
    """Draw the mean error of each tenth of the predictions."""
    size, label = _scale(unit)
    rows = [
        (
            wording.quantity(_rounded(one["predicted"], unit), unit),
            one["mean_absolute_error"] / size,
            f"{wording.count(one['count'])} events predicted"
            f" {wording.quantity(one['predicted'], unit)} on average,"
            f" actual {wording.quantity(one['actual'], unit)}, off by"
            f" {wording.quantity(one['mean_absolute_error'], unit)};"
            f" intervals held {wording.percent(one['coverage'])}",
        )
        for one in told or []
    ]
    return _bars(rows, "predicted", f"mean error{label}")


def by_input(told: list[dict[str, Any]] | None, unit: str) -> hv.Bars:
    """Draw the mean error by the values of one input."""
    size, label = _scale(unit)
    known = [one for one in told or [] if one["count"] >= FEWEST_EVENTS]
    numbers = all(isinstance(one["value"], int | float) for one in known)
    known.sort(key=lambda one: one["value"] if numbers else -one["count"])
    rows = [
        (
            str(one["value"]),
            one["mean_absolute_error"] / size,
            f"{one['value']}: off by {wording.quantity(one['mean_absolute_error'], unit)}"
            f" over about {wording.count(one['count'])} events",
        )
        for one in known[:MOST_BARS]
    ]
    return _bars(rows, "", f"mean error{label}")


def are_places(told: list[dict[str, Any]]) -> bool:
    """Whether an input's values name squares, as "276/-767": how far north, how far east."""
    values = [str(one["value"]) for one in told]
    return bool(values) and all(_PLACE.fullmatch(value) for value in values)


def factors(told: list[dict[str, Any]] | None) -> hv.Rectangles:
    """Draw what each place makes of a prediction, on a map of squares."""
    known = [(*one["cell"], one["factor"]) for one in told or []]
    span = max((abs(factor - 1) for *_, factor in known), default=1.0) or 1.0
    return _map(
        [
            (
                *(east, north, east + 1, north + 1),
                0.08 + 0.9 * abs(factor - 1) / span,
                f"{TIMES} {factor:.2f}",
                theme.BAD if factor > 1 else theme.GOOD,
            )
            for north, east, factor in known
        ]
    )


def of_places(factors: dict[str, list[dict[str, Any]]] | None) -> list[dict[str, Any]] | None:
    """The first of a model's factors that belong to squares, told by two numbers each."""
    for rows in (factors or {}).values():
        cells = [one["cell"] for one in rows]
        if cells and all(isinstance(cell, list) and _are_integers(cell) for cell in cells):
            return rows
    return None


def _are_integers(cell: list[Any]) -> bool:
    return len(cell) == 2 and all(isinstance(one, int) for one in cell)


def places(told: list[dict[str, Any]] | None, unit: str) -> hv.Rectangles:
    """Draw the mean error on a map of squares."""
    known = [one for one in told or [] if one["count"] >= FEWEST_EVENTS]
    largest = max((one["mean_absolute_error"] for one in known), default=1.0)
    rows = []
    for one in known:
        north, east = map(int, one["value"].split("/"))
        error = one["mean_absolute_error"]
        text = (
            f"off by {wording.quantity(error, unit)}"
            f" over about {wording.count(one['count'])} events"
        )
        strength = 0.1 + 0.9 * error / largest
        rows.append((east, north, east + 1, north + 1, strength, text, theme.WARN))
    return _map(rows)


def _map(rows: list[tuple[Any, ...]]) -> hv.Rectangles:
    return hv.Rectangles(rows, vdims=["strength", "text", "color"]).opts(
        **{**STILL, "height": MAP},
        **_map_limits(rows),
        color="color",
        alpha="strength",
        line_color=theme.QUIET,
        line_alpha=0.3,
        xaxis=None,
        yaxis=None,
        **tips(),
        framewise=True,
    )


def _map_limits(rows: list[tuple[Any, ...]]) -> dict[str, tuple[float, float]]:
    """Axes on which squares look square: a card is about so many times wider than high."""
    east = [end for row in rows for end in (row[0], row[2])] or [0, 1]
    north = [end for row in rows for end in (row[1], row[3])] or [0, 1]
    half = max(max(north) - min(north), (max(east) - min(east)) / CARD_ASPECT) / 2 + 0.2
    x, y = (max(east) + min(east)) / 2, (max(north) + min(north)) / 2
    wide = half * CARD_ASPECT
    return {"xlim": (x - wide, x + wide), "ylim": (y - half, y + half)}


def interval(answer: dict[str, float] | None, unit: str) -> hv.Overlay:
    """Draw a value within its interval."""
    size, label = _scale(unit)
    low, value, high = (
        (answer or {}).get(name, 0.0) / size for name in ("lower", "value", "upper")
    )
    margin = 0.12 * ((high - low) or 1.0)
    frame = {**STILL, "height": SCALE, "yaxis": None, "ylim": (-1, 1)}
    line = hv.Segments([(low, 0, high, 0)]).opts(
        **frame,
        color=theme.ACCENT,
        line_width=10,
        alpha=0.35,
        xlabel=label.strip(" ()"),
        xlim=(low - margin, high + margin),
        framewise=True,
    )
    dot = hv.Scatter([(value, 0)]).opts(color=theme.ACCENT, size=16)
    return line * dot


def _bars(rows: list[tuple[str, float, str]], xlabel: str, ylabel: str) -> hv.Bars:
    crowded = sum(len(row[0]) for row in rows) > 60
    return hv.Bars(rows or [("", 0.0, "")], "part", ["error", "text"]).opts(
        **{**FRAME, "default_tools": []},
        color=theme.ACCENT,
        fill_alpha=0.7,
        line_alpha=0,
        bar_width=0.75,
        xlabel=xlabel,
        ylabel=ylabel,
        xrotation=45 if crowded else 0,
        **tips(),
        framewise=True,
    )


def _scale(unit: str) -> tuple[float, str]:
    """By what to divide for an axis, and how to name its unit."""
    if unit == wording.SECONDS:
        return _MINUTE, " (min)"
    return 1.0, f" ({unit})" if unit else ""


def _rounded(value: float, unit: str) -> float:
    size, _ = _scale(unit)
    return round(value / size) * size if value >= size else value


def _trimmed(cells: list[list[int]]) -> tuple[int, int]:
    """The cells between which nearly all values lie, predicted and actual."""
    counts: dict[int, int] = {}
    for x, y, count in cells:
        counts[x] = counts.get(x, 0) + count
        counts[y] = counts.get(y, 0) + count
    ordered = sorted(counts)
    if not ordered:
        return 0, 1
    running = np.cumsum([counts[cell] for cell in ordered])
    low, high = np.searchsorted(running, running[-1] * np.array([1 - _KEPT, _KEPT]))
    return ordered[low], ordered[min(high, len(ordered) - 1)] + 1


def _ticks(edges: list[float], low: int, high: int, unit: str) -> list[tuple[int, str]]:
    step = max(1, round((high - low) / _TICKS))
    found = [at for at in range(low, high + 1, step) if at < len(edges)]
    return [(at, wording.quantity(_rounded(edges[at], unit), unit)) for at in found] or [(0, "")]


def _pair(edges: list[float], x: int, y: int, count: int, unit: str) -> str:
    said, true = (
        f"{wording.quantity(edges[at], unit)} to {wording.quantity(edges[at + 1], unit)}"
        for at in (x, y)
    )
    return f"{wording.count(count)} events predicted {said}, actual {true}"

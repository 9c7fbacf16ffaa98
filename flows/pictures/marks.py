"""What pictures of diagnostics are put together from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import holoviews as hv
import numpy as np

from flows.pictures.palette import COLOURS, SHADES, gradient

QUIET = "#94a3b8"
TWO_SIDED = gradient("#1d4ed8", "#e2e8f0", "#be123c")
"""Of values that are below or above nothing."""
ABREAST = 3


def numbers(values: Sequence[float | None]) -> Any:
    """Numbers of JSON; null is none."""
    return np.array([np.nan if one is None else one for one in values], dtype=float)


def line(told: Mapping[str, Any], x: str, y: str, colour: str = COLOURS[0], label: str = "") -> Any:
    """One column over another."""
    rows = (numbers(told[x]), numbers(told[y]))
    return hv.Curve(rows, _axis(x), _axis(y), label=label).opts(color=colour)


def lines(told: Mapping[str, Any], x: str, ys: Sequence[str], axis: str) -> Any:
    """Several columns over one, with a legend."""
    drawn = [
        hv.Curve(
            (numbers(told[x]), numbers(told[y])), _axis(x), hv.Dimension(axis), label=said(y)
        ).opts(color=COLOURS[place % len(COLOURS)])
        for place, y in enumerate(ys)
        if any(one is not None for one in told[y])
    ]
    return hv.Overlay(drawn) if drawn else hv.Overlay([hv.Curve([], _axis(x), hv.Dimension(axis))])


def diagonal(low: float, high: float) -> Any:
    """Where both axes are equal."""
    return hv.Curve([(low, low), (high, high)]).opts(color=QUIET)


def across(at: float) -> Any:
    """A level that is wanted or meant."""
    return hv.HLine(at).opts(color=QUIET)


def upright(at: float) -> Any:
    """A place that was chosen."""
    return hv.VLine(at).opts(color=QUIET)


def spot(x: float | None, y: float | None, label: str) -> list[Any]:
    """A point that was chosen; nothing where it is not known."""
    if x is None or y is None:
        return []
    return [hv.Points([(x, y)], label=label).opts(color=COLOURS[3])]


def ranked(names: Sequence[str], values: Sequence[float | None], axis: str) -> Any:
    """Bars side by side, the first ones first."""
    rows = [(name, 0.0 if value is None else value) for name, value in unique(names, values)]
    return hv.Bars(rows, "input", hv.Dimension(axis)).opts(color=COLOURS[0], **turned())


def grid(rows: Sequence[str], columns: Sequence[str], cells: Any, value: str) -> Any:
    """A matrix as coloured cells; rows from the top down."""
    across_, down = np.arange(len(columns) + 1) - 0.5, np.arange(len(rows) + 1) - 0.5
    values = np.asarray([numbers(row) for row in cells], dtype=float)[::-1]
    ticks = {
        "xticks": list(enumerate(columns)),
        "yticks": list(enumerate(reversed(list(rows)))),
    }
    return hv.QuadMesh((across_, down, values), ["x", "y"], value).opts(
        cmap=SHADES, colorbar=True, **ticks, **turned()
    )


def coloured(xs: Any, ys: Any, classes: Sequence[str], axes: tuple[str, str]) -> Any:
    """Points by their class, with a legend."""
    x, y, kinds = numbers(xs), numbers(ys), np.array(classes, dtype=object)
    drawn = [
        hv.Points((x[kinds == kind], y[kinds == kind]), list(axes), label=str(kind)).opts(
            color=COLOURS[place % len(COLOURS)], alpha=0.7
        )
        for place, kind in enumerate(sorted(set(classes)))
    ]
    return hv.Overlay(drawn)


def ink(colour: str) -> dict[str, str]:
    """What the backend that is chosen calls the colour of a text."""
    return {"color" if hv.Store.current_backend == "matplotlib" else "text_color": colour}


def turned() -> dict[str, Any]:
    """Let names below an axis stand."""
    return {"xrotation": 90 if hv.Store.current_backend == "matplotlib" else 60}


def said(name: str) -> str:
    """A name as words."""
    return name.replace("_", " ")


def unique(names: Sequence[str], values: Sequence[Any]) -> list[tuple[str, Any]]:
    """Pairs; a name that is there already is told apart."""
    seen: dict[str, Any] = {}
    for name, value in zip(names, values, strict=True):
        key = str(name)
        while key in seen:
            key += "'"
        seen[key] = value
    return list(seen.items())


def _axis(name: str) -> hv.Dimension:
    return hv.Dimension(name, label=said(name))

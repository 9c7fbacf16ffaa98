"""Colours that stand out from both white and near black, and what backends name differently."""

from __future__ import annotations

from typing import Any

import holoviews as hv
import numpy as np

COLOURS = (
    *("#4f46e5", "#059669", "#d97706", "#e11d48", "#0284c7"),
    *("#a855f7", "#65a30d", "#db2777", "#0d9488", "#ea580c"),
)
"""Of kinds, in their order."""


def gradient(*stops: str, count: int = 64) -> list[str]:
    """So many colours from the first stop, by way of the others, to the last."""
    at = np.linspace(0, len(stops) - 1, count)
    parts = [[int(stop[place : place + 2], 16) for stop in stops] for place in (1, 3, 5)]
    channels = [np.interp(at, range(len(stops)), part) for part in parts]
    pixels = zip(*channels, strict=True)
    return ["#" + "".join(f"{round(one):02x}" for one in pixel) for pixel in pixels]


SHADES = gradient("#94a3b8", "#6366f1", "#c026d3", "#e11d48")
"""Of values, from low to high."""


def filled(colour: str) -> dict[str, Any]:
    """What the backend that is chosen calls the colour of a surface."""
    if hv.Store.current_backend == "matplotlib":
        return {"facecolor": colour, "edgecolor": "none"}
    return {"fill_color": colour, "line_color": None}


def even() -> dict[str, Any]:
    """What makes a circle round in the backend that is chosen."""
    if hv.Store.current_backend == "matplotlib":
        return {"aspect": "equal"}
    return {"responsive": False, "frame_width": 300, "frame_height": 300}

"""Curves of few points, and numbers that JSON can carry."""

from __future__ import annotations

from typing import Any

import numpy as np

POINTS = 200
DIGITS = 6


def places(count: int, most: int = POINTS) -> Any:
    """Positions of at most so many of `count` points, evenly, both ends among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))


def told(values: Any) -> list[float | None]:
    """Numbers with few digits; those that are none, or not finite, are null."""
    found = np.asarray(values, dtype=float).tolist()
    return [round(one, DIGITS) if np.isfinite(one) else None for one in found]


def curve(**columns: Any) -> dict[str, list[float | None]]:
    """Columns of one curve, thinned alike: points stand evenly along its first two columns."""
    arrays = {name: np.asarray(values, dtype=float) for name, values in columns.items()}
    x, y, *_ = arrays.values()
    chosen = _along(x, y) if len(x) > POINTS else slice(None)
    return {name: told(values[chosen]) for name, values in arrays.items()}


def _along(x: Any, y: Any) -> Any:
    """Positions at even distances along a line, both ends among them."""
    steps = np.hypot(*(np.diff(one) / max(np.ptp(one), 1e-12) for one in (x, y)))
    distance = np.concatenate([[0.0], np.cumsum(np.nan_to_num(steps))])
    wanted = np.linspace(0.0, distance[-1], POINTS)
    found = np.searchsorted(distance, wanted).clip(0, len(x) - 1)
    return np.unique(np.concatenate([[0], found, [len(x) - 1]]))

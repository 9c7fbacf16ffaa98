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
    """Columns of one curve, thinned alike."""
    chosen = places(len(next(iter(columns.values()))))
    return {name: told(np.asarray(values)[chosen]) for name, values in columns.items()}

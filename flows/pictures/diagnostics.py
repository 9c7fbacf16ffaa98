"""Pictures of diagnostics, made of their plain data, by name. No backend is chosen here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import holoviews as hv

from flows.pictures.curves import CURVES
from flows.pictures.spreads import SPREADS

Told = Mapping[str, Any]
Draw = Callable[[Told], Any]

PICTURES: dict[str, Draw] = {**CURVES, **SPREADS}


def picture(name: str, data: Told, title: str = "") -> Any:
    """Draw a diagnostic. Raises KeyError for a name that there is not."""
    drawn = PICTURES[name](data)
    if not title:
        return drawn
    if isinstance(drawn, hv.Layout):
        return drawn.opts(hv.opts.Layout(title=title))
    return drawn.relabel(title)

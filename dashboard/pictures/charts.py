"""Charts of rows in the browser."""

from __future__ import annotations

from typing import Any

import holoviews as hv

from dashboard.pictures import FRAME
from flows.pictures import charts

HEIGHT = 420
_SHOWN: dict[str, Any] = {**FRAME, "height": HEIGHT}
_KINDS = ("Histogram", "Image", "Points", "Polygons", "QuadMesh", "RGB", "Rectangles", "Segments")
_HOVERED = ("Curve", "Histogram", "Image", "QuadMesh")


def shown(told: dict[str, Any]) -> Any:
    """A chart of the figures that the API told."""
    element = charts.chart(told)
    looks = [getattr(hv.opts, name)(**_SHOWN) for name in (*_KINDS, "Curve")]
    looks += [getattr(hv.opts, name)(tools=["hover"]) for name in _HOVERED]
    looks += [hv.opts.Curve(line_width=2), hv.opts.Points(size=5)]
    named = {"legend_position": "top", "legend_cols": 2}
    whole = named if told["kind"] == "pie" else {**_SHOWN, **named}
    looks += [getattr(hv.opts, name)(**whole) for name in ("NdOverlay", "Overlay")]
    return element.opts(*looks, hv.opts.Layout(shared_axes=False))

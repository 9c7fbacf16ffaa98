"""Elements as PNG or SVG, drawn by matplotlib.

Belongs in a process of its own: it takes a second or two to load, and draws one at a time.
"""

from __future__ import annotations

import io
from functools import cache
from typing import Any, Literal

import holoviews as hv
import matplotlib as mpl
from cycler import cycler

from flows.pictures.palette import COLOURS

Form = Literal["png", "svg"]

SIZE = (8.0, 4.5)
"""Inches of a single picture."""

PANEL = (6.4, 3.8)
"""Inches of one of several."""

DOTS_PER_INCH = 120
INK, FAINT = "#1b1f24", "#d0d7de"
LOOK: Any = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.prop_cycle": cycler(color=COLOURS),
    "figure.facecolor": "white",
    "font.size": 10,
    "grid.color": FAINT,
    "legend.frameon": False,
    "svg.hashsalt": "realtime",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
"""The same element gives the same bytes."""

_FRAMED = ("Area", "Bars", "Curve", "ErrorBars", "Histogram", "Points", "Scatter", "Spread")
_PLAIN = (
    *("HeatMap", "HLine", "Image", "Labels", "Path", "Polygons", "QuadMesh", "RGB", "Rectangles"),
    *("Segments", "Spikes", "VLine"),
)

_OVERLAYS = ("Overlay", "NdOverlay")


def render(element: Any, form: Form) -> bytes:
    """Draw an element, an overlay or a layout of them."""
    renderer = prepare()
    if isinstance(element, hv.Layout):
        rows, columns = element.shape
        size = (PANEL[0] * columns, PANEL[1] * rows)
        element = element.opts(hv.opts.Layout(fig_inches=size, backend="matplotlib"))
    with mpl.rc_context(LOOK):
        figure = renderer.get_plot(element).state
        out = io.BytesIO()
        nothing = {"Date": None} if form == "svg" else {"Software": None}
        figure.savefig(out, format=form, dpi=DOTS_PER_INCH, bbox_inches="tight", metadata=nothing)
        figure.clear()
    _forget(figure)
    return out.getvalue()


def _forget(figure: Any) -> None:
    from matplotlib import pyplot

    pyplot.close(figure)


@cache
def prepare() -> Any:
    """Load the renderer, with the looks that elements have which say nothing of it.

    Elements with options of their own can be made only after this, or with another backend loaded.
    """
    mpl.use("agg")
    before = hv.Store.current_backend if hv.Store.renderers else None
    found = hv.renderer("matplotlib")
    if before:
        hv.Store.set_current_backend(before)
    shape: dict[str, Any] = {
        "aspect": SIZE[0] / SIZE[1],
        "fig_inches": SIZE,
        "fontsize": {"title": 11},
    }
    named = [
        *(getattr(hv.opts, name)(show_grid=True, **shape) for name in _FRAMED),
        *(getattr(hv.opts, name)(**shape) for name in _PLAIN),
        *(getattr(hv.opts, name)(legend_position="right", **shape) for name in _OVERLAYS),
        hv.opts.Layout(sublabel_format="", tight=True),
    ]
    hv.opts.defaults(*named, backend="matplotlib")
    return found

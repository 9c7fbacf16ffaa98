"""Pictures: HoloViews elements of what the API answered, drawn again in place.

A picture stands behind a DynamicMap, never replaced, so that a reader's zoom survives updates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import holoviews as hv
import panel as pn

from dashboard import theme

hv.extension("bokeh")

FRAME = {
    "responsive": True,
    "height": 280,
    "toolbar": "above",
    "active_tools": [],
    "default_tools": ["pan", "box_zoom", "reset"],
    "show_grid": True,
    "fontsize": {"labels": 11, "ticks": 10, "legend": 11},
    "gridstyle": {"grid_line_color": theme.QUIET, "grid_line_alpha": 0.18},
    "backend_opts": {
        "plot.output_backend": "canvas",
        "plot.toolbar.logo": None,
        "plot.toolbar.autohide": True,
        "plot.background_fill_alpha": 0,
        "plot.border_fill_alpha": 0,
        "plot.outline_line_color": None,
    },
}
STILL = {**FRAME, "toolbar": None, "default_tools": [], "show_grid": False}


class Picture:
    """Draws whatever data is sent last; one object for the life of its page."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self._pipe = hv.streams.Pipe(data=None)
        self.map = hv.DynamicMap(lambda data: draw(data), streams=[self._pipe])
        self.pane = pn.pane.HoloViews(
            self.map, sizing_mode="stretch_width", margin=0, linked_axes=False
        )

    def send(self, data: Any) -> None:
        """Draw this instead."""
        self._pipe.send(data)


def sparkline(values: list[tuple[float, float]] | None) -> hv.Curve:
    """Draw the shape of a history, without numbers."""
    return hv.Curve(values or [], "events learned", "value").opts(
        **{**STILL, "height": 64},
        color=theme.ACCENT,
        line_width=2,
        xaxis=None,
        yaxis=None,
        hooks=[follow],
    )


def heatmap(
    cells: list[tuple[str, str, float, str]],
    height: int = 200,
    shades: list[str] = theme.CELL_SHADES,
    limits: tuple[float, float] = (0, 1),
) -> hv.Overlay:
    """Draw a table whose cells are (column, row, value within `limits`, text)."""
    keys = ["column", "row"]
    cells = cells or [("", "", sum(limits) / 2, "")]  # the axes must be of names from the start
    shares = hv.HeatMap([cell[:3] for cell in cells], keys, "share").opts(
        **{**STILL, "height": height},
        cmap=shades,
        clim=limits,
        invert_yaxis=True,
        xaxis="top",
        xlabel="",
        ylabel="",
        line_color=theme.CELL_INK,
        line_alpha=0.3,
    )
    texts = hv.Labels([(*cell[:2], cell[3]) for cell in cells], keys, "text").opts(
        text_color=theme.CELL_INK, text_font_size="13px"
    )
    return shares * texts


def bars(rows: list[tuple[str, float, str]] | None, *, ordered: bool = False) -> hv.Bars:
    """Draw signed (label, value, color) as horizontal bars, the last or the largest on top."""
    known = list(rows or []) if ordered else sorted(rows or [], key=lambda row: abs(row[1]))
    shown = known or [("", 0.0, theme.QUIET)]  # the axis must be one of names from the start
    return hv.Bars(shown, "feature", ["contribution", "color"]).opts(
        **STILL,
        color="color",
        line_alpha=0,
        invert_axes=True,
        xlabel="",
        ylabel="",
        xaxis=None,
        framewise=True,
    )


def tips() -> dict[str, Any]:
    """Options that show each mark's own `text` when pointed at."""
    return {"tools": ["hover"], "hover_tooltips": "@text"}


def follow(plot: Any, element: Any) -> None:
    """Let the axes follow the curves until a reader zooms; "reset" makes them follow again."""
    layers = element.values() if isinstance(element, hv.Overlay) else [element]
    curves = [each for each in layers if isinstance(each, hv.Curve) and len(each)]
    for axis, dimension, padding in (("x_range", 0, 0.0), ("y_range", 1, 0.08)):
        ends = [end for each in curves for end in each.range(dimension) if end == end]
        if ends:
            low, high = min(ends), max(ends)
            margin = padding * ((high - low) or abs(high) or 1.0)
            subject = curves[0].vdims[0].label
            _follow_axis(plot.handles[axis], low - margin, high + margin, subject)


def _follow_axis(shown: Any, low: float, high: float, subject: str) -> None:
    untouched = shown.reset_start is None or (
        (shown.start, shown.end) == (shown.reset_start, shown.reset_end)
    )
    another = shown.tags != [subject]
    shown.update(reset_start=low, reset_end=high, tags=[subject])
    if untouched or another:
        shown.update(start=low, end=high)

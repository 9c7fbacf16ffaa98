"""Pictures: HoloViews elements of what the API answered, drawn again in place.

A picture stands behind a DynamicMap, never replaced, so that a reader's zoom survives updates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import holoviews as hv
import panel as pn

from dashboard import sessions, theme
from dashboard.pictures import redraws

hv.extension("bokeh")
hv.renderer("bokeh").webgl = False  # a copy of a whole canvas takes longer than our few points

HEIGHT = 280
SPARK = 64


def bare(plot: Any, _element: Any) -> None:
    """Take the paper from under a figure; by a hook, since options for that are slow."""
    figure = plot.handles["plot"]
    if figure.outline_line_color is not None:
        figure.toolbar.update(logo=None, autohide=True)
        figure.update(background_fill_alpha=0, border_fill_alpha=0, outline_line_color=None)


def on_paper(plot: Any, _element: Any) -> None:
    """Put names on a paper of their own, on which they read in either theme."""
    paper = {"background_fill_color": theme.LABEL_PAPER, "background_fill_alpha": 0.9}
    plot.handles["glyph"].update(**paper, padding=4, border_radius=4)


FRAME: dict[str, Any] = {
    "responsive": True,
    "height": HEIGHT,
    "toolbar": "right",
    "active_tools": [],
    "default_tools": ["pan", "box_zoom", "reset"],
    "show_grid": True,
    "fontsize": {"labels": 11, "ticks": 10, "legend": 11},
    "gridstyle": {"grid_line_color": theme.QUIET, "grid_line_alpha": 0.18},
    "hooks": [bare],
}
STILL = {**FRAME, "toolbar": None, "default_tools": [], "show_grid": False}


class Picture:
    """Draws whatever data was sent last; one object for the life of its page.

    In a session a picture is drawn after what the page says in words, and first when it has
    something to show, each by itself: `height`, in pixels, is kept free for it until then. Later
    those of a page are drawn together. One that is not `wide` has a width of its own.
    """

    def __init__(
        self, draw: Callable[[Any], Any], height: int = HEIGHT, *, wide: bool = True
    ) -> None:
        self._pipe = hv.streams.Pipe(data=None)
        self.map = hv.DynamicMap(lambda data: draw(data), streams=[self._pipe])
        self._data: Any = None
        self._due = False
        self._figure = pn.pane.HoloViews(
            None, sizing_mode="stretch_width" if wide else None, margin=0, linked_axes=False
        )
        self.pane = pn.Column(
            self._figure,
            sizing_mode="stretch_width",
            margin=0,
            # A legend that is too wide for a phone would let the whole page scroll sideways.
            styles={"min-height": f"{height}px", "overflow-x": "clip"},
        )

    def send(self, data: Any) -> None:
        """Draw this instead, unless it is drawn already."""
        if self.drawn and data == self._data:
            return
        self._data = data
        document = sessions.current()
        if document is None:
            self._draw()
        elif not self._due:
            self._due = True
            due = redraws.of(document)
            (due.add if self.drawn else due.add_first)(document, self._draw)

    @property
    def drawn(self) -> bool:
        """Whether there is a figure by now."""
        return self._figure.object is not None

    def _draw(self) -> None:
        self._due = False
        self._pipe.send(self._data)
        if not self.drawn:
            self._figure.object = self.map


def sparkline(values: list[tuple[float, float]] | None) -> hv.Curve:
    """Draw the shape of a history, without numbers."""
    return hv.Curve(values or [], "events learned", "value").opts(
        **{**STILL, "height": SPARK, "hooks": [bare, follow]},
        color=theme.ACCENT,
        line_width=2,
        xaxis=None,
        yaxis=None,
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
            margin = padding * (high - low) if high > low else 0.1 * abs(high) or 1.0
            subject = f"{curves[0].vdims[0].label} over {curves[0].kdims[0].label}"
            _follow_axis(plot.handles[axis], low - margin, high + margin, subject)


def _follow_axis(shown: Any, low: float, high: float, subject: str) -> None:
    untouched = shown.reset_start is None or (
        (shown.start, shown.end) == (shown.reset_start, shown.reset_end)
    )
    another = shown.tags != [subject]
    shown.update(reset_start=low, reset_end=high, tags=[subject])
    if untouched or another:
        shown.update(start=low, end=high)

"""Charts of rows, made of the figures that the API works out (`ChartFigures`, decoded)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle, groupby
from typing import Any

import holoviews as hv
import numpy as np

from flows.pictures.palette import COLOURS, SHADES, even, filled

Figures = dict[str, Any]
"""The API's answer, or its parts: `x`, `y`, `colour` and `facet` are axes, `data` lists by name."""

ABREAST = 2


def chart(told: Figures) -> Any:
    """Draw a chart; with a facet, a picture for each of its values."""
    draw = KINDS[told["kind"]]
    if not told["data"]["x"]:
        return hv.Points([], [_dimension(told["x"]), _value(told)])
    if told["facet"] is None:
        return draw(told)
    panels = [
        draw(part).relabel(f"{told['facet']['name']}: {told['facet']['values'][place]}")
        for place, part in _parts(told, "facet")
    ]
    return hv.Layout(panels).cols(ABREAST)


def title(told: Figures) -> str:
    """Say what a chart shows."""
    axis = told["y"] or {"name": told["value_name"]}
    words = f"{axis['name']} by {told['x']['name']}"
    return f"{words} and {told['colour']['name']}" if told["colour"] else words


def _bars(told: Figures) -> Any:
    if told["x"]["edges"]:
        return _steps(told)
    names = told["x"]["values"]
    count = 1 if told["colour"] is None else len(told["colour"]["values"])
    ticks = {"xticks": _ticks(told["x"]), **_turned(names)}
    wide = 0.8 / count
    drawn = {}
    for place, (name, colour, part) in enumerate(_coloured(told)):
        left = np.asarray(part["data"]["x"], dtype=float) - 0.4 + place * wide
        heights = np.asarray([value or 0.0 for value in part["data"]["value"]])
        sides = (left, np.minimum(heights, 0), left + wide, np.maximum(heights, 0))
        drawn[name] = hv.Rectangles(sides, [_dimension(told["x"]), _value(told), "x1", "y1"]).opts(
            color=colour, **ticks
        )
    return _together(drawn, told)


def _steps(told: Figures) -> Any:
    """Bars between edges."""
    edges = _places(told["x"], np.asarray(told["x"]["edges"]))
    drawn = {}
    for name, colour, part in _coloured(told):
        heights = np.zeros(len(edges) - 1)
        heights[part["data"]["x"]] = [value or 0.0 for value in part["data"]["value"]]
        made = hv.Histogram((edges, heights), kdims=[_dimension(told["x"])], vdims=[_value(told)])
        alpha = 0.9 if told["colour"] is None else 0.55
        drawn[name] = made.opts(alpha=alpha, **filled(colour), **_turned_times(told["x"]))
    return _together(drawn, told)


def _lines(told: Figures) -> Any:
    x, value = _dimension(told["x"]), _value(told)
    drawn = {}
    for name, colour, part in _coloured(told):
        at = _middles(told["x"], part["data"]["x"])
        heights = [np.nan if one is None else one for one in part["data"]["value"]]
        drawn[name] = hv.Curve((at, heights), x, value).opts(
            color=colour, **_turned_times(told["x"])
        )
    return _together(drawn, told)


def _pie(told: Figures) -> Any:
    """Parts of a circle from the top on, as the clock goes."""
    data, names = told["data"], told["x"]["values"]
    values = [max(0.0, value or 0.0) for value in data["value"]]
    total, begun = sum(values) or 1.0, 0.0
    wedges, legend = [], {}
    for at, value, colour in zip(data["x"], values, cycle(COLOURS), strict=False):
        angles = 2 * np.pi * np.linspace(begun, begun + value / total, 60)
        begun += value / total
        xs, ys = (np.concatenate([[0.0], one(angles)]) for one in (np.sin, np.cos))
        wedges.append(hv.Polygons([{"x": xs, "y": ys}]).opts(**filled(colour), **_BARE))
        legend[f"{names[at]}: {100 * value / total:.1f} %"] = colour
    drawn = hv.Overlay([*wedges, _legend(legend, told["x"]["name"], ["x", "y"])])
    return drawn.opts(**even(), **_BARE)


def _heat(told: Figures) -> Any:
    x, y, data = told["x"], told["y"], told["data"]
    cells = np.full((len(_grid(y)) - 1, len(_grid(x)) - 1), np.nan)
    cells[data["y"], data["x"]] = [np.nan if one is None else one for one in data["value"]]
    ticks = {f"{axis}ticks": _ticks(told[axis]) for axis in "xy" if told[axis]["values"]}
    plane = [_dimension(x), _dimension(y)]
    return hv.QuadMesh((_grid(x), _grid(y), cells), plane, _value(told)).opts(
        cmap=SHADES, colorbar=True, **ticks, **_turned(x["values"])
    )


def _points(told: Figures) -> Any:
    if not told["exact"]:
        return _pixels(told)
    dimensions = [_dimension(told["x"]), _dimension(told["y"])]
    data = told["data"]
    if "value" in data:
        rows = (_places(told["x"], data["x"]), _places(told["y"], data["y"]), data["value"])
        return hv.Points(rows, dimensions, _value(told)).opts(
            color="value", cmap=SHADES, colorbar=True
        )
    drawn = {}
    for name, colour, part in _coloured(told):
        across, up = (_places(told[axis], part["data"][axis]) for axis in "xy")
        drawn[name] = hv.Points((across, up), dimensions).opts(color=colour, alpha=0.6)
    return _together(drawn, told)


def _pixels(told: Figures) -> Any:
    """Small cells; of categories, each in the mixture of their colours, as Datashader has it."""
    if told["colour"] is None:
        norm = "log" if told["value_name"] == "rows" else "linear"
        return hv.Image(_cells(told), _plane(told), _value(told)).opts(
            cmap=SHADES, colorbar=True, cnorm=norm, **_turned_times(told["x"])
        )
    from flows.pictures.shading import shaded

    kinds = told["colour"]["values"]
    colours = dict(zip(kinds, cycle(COLOURS), strict=False))
    cells = {kinds[place]: _cells(part)[2] for place, part in _parts(told, "colour")}
    xs, ys, _ = _cells(told)
    picture = hv.RGB((xs, ys, *shaded(cells, colours)), _plane(told), vdims=list("RGBA"))
    legend = {name: colours[name] for name in cells}
    return picture * _legend(legend, told["colour"]["name"], _plane(told))


def _boxes(told: Figures) -> Any:
    """A box from quartile to quartile, a line at the median, and whiskers."""
    data, names = told["data"], told["x"]["values"]
    x, y = _dimension(told["x"]), _dimension(told["y"])
    at = np.asarray(data["x"], dtype=float)
    low, q1, middle, q3, high = (
        _places(told["y"], data[name]) for name in ("low", "q1", "median", "q3", "high")
    )
    boxes = hv.Rectangles((at - 0.3, q1, at + 0.3, q3), [x, y, "x1", "y1"])
    lines = [(at, low, at, q1), (at, q3, at, high), (at - 0.3, middle, at + 0.3, middle)]
    joined = tuple(np.concatenate(parts) for parts in zip(*lines, strict=True))
    ticks = _ticks(told["x"])
    return (
        boxes.opts(color=COLOURS[0], alpha=0.45, xticks=ticks, **_turned(names))
        * hv.Segments(joined, [x, y, "x1", "y1"]).opts(color="#7b899d")
    ).opts(xlabel=x.label, ylabel=y.label)


KINDS: dict[str, Callable[[Figures], Any]] = {
    "bar": _bars,
    "line": _lines,
    "scatter": _points,
    "pie": _pie,
    "heatmap": _heat,
    "histogram": _bars,
    "box": _boxes,
}


def _parts(told: Figures, name: str) -> Iterator[tuple[int, Figures]]:
    """The figures of each place on an axis, of which they then have none."""
    places = told["data"][name]
    order = sorted(range(len(places)), key=places.__getitem__)
    for place, rows in groupby(order, key=places.__getitem__):
        chosen = list(rows)
        data = {
            key: [values[row] for row in chosen]
            for key, values in told["data"].items()
            if key != name
        }
        yield place, {**told, name: None, "data": data}


def _coloured(told: Figures) -> Iterator[tuple[str, str, Figures]]:
    """Each value of the colour with its colour and its figures."""
    if told["colour"] is None:
        yield "", COLOURS[0], told
        return
    for place, part in _parts(told, "colour"):
        yield told["colour"]["values"][place], COLOURS[place % len(COLOURS)], part


def _together(drawn: dict[str, Any], told: Figures) -> Any:
    if told["colour"] is None:
        return drawn[""]
    return hv.NdOverlay(drawn, told["colour"]["name"], sort=False)


def _legend(colours: dict[str, str], name: str, plane: list[Any]) -> Any:
    """Points that are nowhere, for the names and colours of what has no legend of its own."""
    nowhere = {
        key: hv.Points([(np.nan, np.nan)], plane).opts(color=colour)
        for key, colour in colours.items()
    }
    return hv.NdOverlay(nowhere, name, sort=False)


def _turned_times(axis: Figures) -> dict[str, Any]:
    return {"xrotation": 30} if axis["kind"] == "time" else {}


_BARE: dict[str, Any] = {"xaxis": None, "yaxis": None, "show_frame": False}


def _dimension(axis: Figures) -> Any:
    unit = f" ({axis['unit']})" if axis["unit"] else ""
    return hv.Dimension(axis["name"], label=f"{axis['name']}{unit}")


def _value(told: Figures) -> Any:
    return hv.Dimension("value", label=told["value_name"])


def _plane(told: Figures) -> list[Any]:
    return [_dimension(told["x"]), _dimension(told["y"])]


def _places(axis: Figures, values: Any) -> Any:
    """Values along an axis; times as such."""
    found = np.asarray([np.nan if one is None else one for one in values], dtype=float)
    if axis["kind"] != "time":
        return found
    return (found * 1e3).astype("datetime64[ms]")


def _middles(axis: Figures, places: list[int]) -> Any:
    if not axis["edges"]:
        return [axis["values"][place] for place in places]
    edges = np.asarray(axis["edges"])
    return _places(axis, ((edges[:-1] + edges[1:]) / 2)[places])


def _grid(axis: Figures) -> Any:
    """Edges of an axis; categories get cells of their own."""
    if axis["edges"]:
        return _places(axis, axis["edges"])
    return np.arange(len(axis["values"]) + 1) - 0.5


def _ticks(axis: Figures) -> list[tuple[int, str]]:
    return [(place, _short(name)) for place, name in enumerate(axis["values"])]


def _cells(told: Figures) -> tuple[Any, Any, Any]:
    """The middles of all small cells, and a value for each; none where there are no rows."""
    axes = [np.asarray(told[name]["edges"]) for name in "xy"]
    cells = np.full((len(axes[1]) - 1, len(axes[0]) - 1), np.nan)
    data = told["data"]
    cells[data["y"], data["x"]] = [np.nan if one is None else one for one in data["value"]]
    xs, ys = ((edges[:-1] + edges[1:]) / 2 for edges in axes)
    return _places(told["x"], xs), _places(told["y"], ys), cells


def _turned(names: list[str]) -> dict[str, Any]:
    return {"xrotation": 45} if sum(map(len, names)) > 60 else {}


def _short(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:23]}…"

"""The learning curve: the champion, its challengers, and marks where something changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import holoviews as hv
from bokeh.models import (
    BasicTicker,
    DatetimeTicker,
    DatetimeTickFormatter,
    NumeralTickFormatter,
)

from dashboard import theme, wording
from dashboard.pictures import FRAME, bare, follow, tips

X = "events learned"
TIME = "time (UTC)"
HEIGHT = 300
ERROR = "error"
Points = list[tuple[float, float]]
Alarm = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Learning:
    """One metric over events learned, the same of each challenger, and what is marked on it.

    `over` is X, or TIME, in milliseconds since 1970; so is where each mark stands. `alarms` are
    what detectors rang for, `changes` what the stream's generator did, in words.
    """

    label: str = "value"
    over: str = X
    champion: Points = field(default_factory=list)
    rivals: dict[str, Points] = field(default_factory=dict)
    alarms: list[tuple[float, Alarm]] = field(default_factory=list)
    changes: list[tuple[float, str]] = field(default_factory=list)


def curves(told: Learning | None, rivals: list[str], own: str = "model") -> hv.Overlay:
    """Draw the champion's curve, its challengers' dashed, and a line and a mark for each change.

    `rivals` are all challengers there may be: what an overlay is made of must not change. `own` is
    what the legend calls the champion.
    """
    told = told or Learning()
    along, value = _dimensions(told)
    colors = (theme.WARN, *theme.KINDS[4:])
    beside = [
        hv.Curve(told.rivals.get(name, []), along, value, label=name).opts(
            color=color, line_width=2, line_dash="dashed", tools=["hover"]
        )
        for name, color in zip(rivals, colors, strict=False)
    ]
    champion = hv.Curve(told.champion, along, value, label=own).opts(
        color=theme.ACCENT, line_width=2.5, tools=["hover"]
    )
    alarms = [(at, sentence(alarm)) for at, alarm in told.alarms]
    changed, rung = _marked(told, told.changes, CHANGED), _marked(told, alarms, RUNG)
    layers = hv.Overlay([changed[0], rung[0], *beside, champion, changed[1], rung[1]])
    return layers.opts(
        hv.opts.Overlay(
            **{**FRAME, "height": HEIGHT, "hooks": [bare, follow, _read_axis, _name_what_is_there]},
            xlabel=told.over,
            ylabel=told.label,
            legend_position="top",
        )
    )


def _dimensions(told: Learning) -> tuple[Any, Any]:
    return hv.Dimension("along", label=told.over), hv.Dimension("value", label=told.label)


def sentence(alarm: Alarm) -> str:
    """One change of the stream in words."""
    moment = datetime.fromtimestamp(alarm["time"], UTC)
    watched = alarm["watched"]
    subject = "errors" if watched == ERROR else wording.words(watched)
    return (
        f"{subject} {_moved(alarm.get('before'), alarm.get('after'))}, after"
        f" {wording.count(alarm['events_learned'])} events ({wording.day(moment)})"
    )


def _moved(before: Any, after: Any) -> str:
    """From what to what, as far as the alarm tells; categories have neither up nor down."""
    numbers = [one for one in (before, after) if isinstance(one, int | float)]
    if len(numbers) == 2:
        way = "rose" if after > before else "fell"
        return f"{way} from {wording.score(before)} to {wording.score(after)}"
    if before is None or after is None or before == after:
        return "came in other shares"
    return f"moved from {before} to {after}"


def _read_axis(plot: Any, _element: Any) -> None:
    """Let the axis read as numbers of events, or as times."""
    shown = plot.handles["xaxis"]
    timely = shown.axis_label == TIME
    if shown.tags == [timely]:
        return
    formatter = DatetimeTickFormatter(**_CLOCK) if timely else NumeralTickFormatter(format="0,0")
    ticker = DatetimeTicker(num_minor_ticks=0) if timely else BasicTicker(num_minor_ticks=0)
    ticker.update(desired_num_ticks=5)
    shown.update(formatter=formatter, ticker=ticker, tags=[timely])


def _name_what_is_there(plot: Any, _element: Any) -> None:
    """Leave out of the legend what is not on the picture."""
    for item in plot.handles["plot"].legend[0].items:
        rows = item.renderers[0].data_source.data
        item.visible = any(len(column) for column in rows.values())


_CLOCK: dict[str, Any] = {
    **dict.fromkeys(("milliseconds", "seconds", "minsec"), "%H:%M:%S"),
    **dict.fromkeys(("minutes", "hourmin", "hours"), "%H:%M"),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """How one kind of change is marked, and what the legend calls it."""

    label: str
    color: str
    marker: str


RUNG = Mark("alarm", theme.BAD, "diamond")
CHANGED = Mark("change", theme.KINDS[8], "triangle")


def _marked(told: Learning, changes: list[tuple[float, str]], mark: Mark) -> tuple[Any, Any]:
    """Lines where something changed, and marks on the curve that tell what when pointed at."""
    along, value = _dimensions(told)
    rows = _rows(told.champion, changes)
    lines = hv.VLines([row[0] for row in rows]).opts(
        color=mark.color, line_dash="dotted", line_width=1.5, alpha=0.7
    )
    dots = hv.Scatter(rows, along, [value, "text"], label=mark.label).opts(
        color=mark.color, marker=mark.marker, size=11, **tips()
    )
    return lines, dots


def _rows(curve: Points, changes: list[tuple[float, str]]) -> list[tuple[float, float, str]]:
    """A mark on the curve at each place where something changed."""
    if not curve:
        return []
    texts: dict[float, list[str]] = {}
    for at, text in changes:
        texts.setdefault(at, []).append(text)
    first, last = curve[0][0], curve[-1][0]
    return [
        (at, _height(curve, at), "; ".join(lines))
        for at, lines in texts.items()
        if first <= at <= last
    ]


def _height(points: Points, at: float) -> float:
    return min(points, key=lambda point: abs(point[0] - at))[1]

"""Pictures of forecasts: errors and coverage by horizon, fans, and what moves demand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from math import nan
from typing import Any

import holoviews as hv

from dashboard import theme, wording
from dashboard.pictures import FRAME, bars, heatmap, tips

ERROR_NOTE = "Error beside that of last week's value, whose is 1; below the line is better."
COVERAGE_NOTE = "Share of days within their interval; on the line is honest."
FAN_NOTE = "What was sold, what had been forecast the day before, and the week to come."
WEEKDAY_NOTE = "Demand of each weekday beside that of a mean one, as learnt so far."
PRODUCT_NOTE = "What the model believes of each product: factors of demand, and its growth."
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DASHED = {"line_dash": "dashed", "line_width": 2}
_DAY = "day"
TALL, WIDE, LOW = 560, 340, 260
"""Heights in pixels."""

_NEVER = datetime(2026, 1, 1)  # noqa: DTZ001 - the axis must be one of days from the start
TIMES = "\u00d7"


def errors(told: tuple[dict[str, Any], dict[str, Any]] | None) -> hv.Overlay:
    """Draw MASE by horizon: of the model and, dashed, of its first challenger."""
    report, rivals = told or ({}, {})
    name = next(iter(rivals), "challenger")
    metrics = rivals.get(name, {})
    model = _rows(report, "MASE", lambda value: f"{value:.3f}")
    theirs = [(day, metrics[f"MASE_h{day}"]) for day in range(1, 8) if f"MASE_h{day}" in metrics]
    one = hv.HLine(1.0).opts(color=theme.QUIET, line_dash="dotted", line_width=2)
    beside = hv.Curve(theirs, "days ahead", "MASE", label=name).opts(color=theme.WARN, **DASHED)
    layers = _by_horizon(model, "MASE") * beside * one
    return layers.opts(hv.opts.Overlay(legend_position="top"))


def coverage(report: dict[str, Any] | None) -> hv.Overlay:
    """Draw the share of days that lay within their interval, by horizon."""
    rows = _rows(report or {}, "Coverage", wording.percent)
    wanted = (report or {}).get("coverage_wanted", 0.8)
    line = hv.HLine(wanted).opts(color=theme.QUIET, line_dash="dotted", line_width=2)
    layers = _by_horizon(rows, "Coverage").opts(hv.opts.Curve(ylim=(0, 1))) * line
    return layers.opts(hv.opts.Overlay(show_legend=False))


def fan(series: dict[str, Any] | None, height: int = WIDE) -> hv.Overlay:
    """Draw a series' recent days, what had been forecast for them, and the days ahead."""
    told = series or {}
    past, ahead = _past(told), _ahead(told)
    known = [(day, said, low, high) for day, _, said, low, high in past if said is not None]
    sold = [(day, sold, f"{day:%a %d %b}: {wording.quantity(sold)} sold") for day, sold, *_ in past]
    then = [
        (day, value, f"{day:%a %d %b}: {value:.1f} expected, {low:.1f} to {high:.1f}")
        for day, value, low, high in ahead
    ]
    band = {"line_alpha": 0, "color": theme.ACCENT}
    layers = [
        _band(known).opts(**_frame(height), **band, fill_alpha=0.12, framewise=True),
        _band(ahead).opts(**band, fill_alpha=0.3),
        _line(known, "a day ahead").opts(color=theme.ACCENT, **DASHED),
        _line(sold, "sold").opts(color=theme.QUIET, line_width=2),
        _dots(sold).opts(color=theme.QUIET, size=6),
        _line(then, "the week ahead").opts(color=theme.ACCENT, line_width=3),
        _dots(then).opts(color=theme.ACCENT, size=8),
    ]
    look = hv.opts.Overlay(legend_position="top", xlabel="", ylabel="units")
    return hv.Overlay(layers).opts(look)


def weekdays(factors: list[float] | None) -> hv.Bars:
    """Draw what each weekday adds or takes."""
    usual = sum(factors or [1.0]) / len(factors or [1.0])
    known = [(name, one / usual) for name, one in zip(WEEKDAYS, factors or [], strict=False)]
    return bars(
        [
            (f"{name}  {TIMES} {factor:.2f}", factor - 1, theme.GOOD if factor >= 1 else theme.BAD)
            for name, factor in reversed(known)
        ],
        ordered=True,
    )


def products(told: dict[str, dict[str, float]] | None) -> hv.Overlay:
    """Draw a table of what is believed of each product."""
    columns: dict[str, tuple[str, Callable[[float], str], float]] = {
        "promotion_factor": ("promotion", lambda value: f"{TIMES} {value:.2f}", 1.0),
        "holiday_factor": ("holiday", lambda value: f"{TIMES} {value:.2f}", 1.0),
        "price_elasticity": ("price", lambda value: f"{value:+.2f}", 0.0),
        "growth_per_day": ("growth a day", lambda value: f"{100 * value:+.2f} %", 0.0),
    }
    cells = [
        (label, product, _strength(name, values[name] - middle), tell(values[name]))
        for product, values in (told or {}).items()
        for name, (label, tell, middle) in columns.items()
        if name in values
    ]
    return heatmap(cells, height=TALL, shades=theme.TWO_SIDED, limits=(-1, 1))


def _band(rows: list[tuple[Any, ...]]) -> hv.Area:
    """The interval of rows (day, value, lower, upper)."""
    bounds = [(day, low, high) for day, _, low, high in rows] or [(_NEVER, nan, nan)]
    return hv.Area(bounds, _DAY, ["low", "high"])


def _line(rows: list[tuple[Any, ...]], label: str) -> hv.Curve:
    return hv.Curve([row[:2] for row in rows] or [(_NEVER, nan)], _DAY, "units", label=label)


def _dots(rows: list[tuple[Any, ...]]) -> hv.Scatter:
    return hv.Scatter(rows or [(_NEVER, nan, "")], _DAY, ["units", "text"]).opts(**tips())


def _strength(name: str, value: float) -> float:
    return value * (60 if name == "growth_per_day" else 1)


def _by_horizon(rows: list[tuple[int, float, str]], name: str) -> hv.Overlay:
    line = hv.Curve([row[:2] for row in rows], "days ahead", name, label="model").opts(
        **FRAME, color=theme.ACCENT, line_width=2, xticks=list(range(1, 8)), framewise=True
    )
    dots = hv.Scatter(rows, "days ahead", [name, "text"]).opts(color=theme.ACCENT, size=9, **tips())
    return line * dots


def _rows(report: dict[str, Any], name: str, tell: Any) -> list[tuple[int, float, str]]:
    return [
        (one["horizon"], one[name], f"{tell(one[name])} over {wording.count(one['count'])} days")
        for one in report.get("horizons") or []
        if name in one
    ]


def _past(told: dict[str, Any]) -> list[tuple[Any, ...]]:
    days = [datetime.fromisoformat(day) for day in told.get("days", [])]
    columns = (told.get(name, []) for name in ("quantity", "forecast", "lower", "upper"))
    return list(zip(days, *columns, strict=True))


def _ahead(told: dict[str, Any]) -> list[tuple[datetime, float, float, float]]:
    return [
        (datetime.fromisoformat(one["day"]), one["value"], one["lower"], one["upper"])
        for one in told.get("fan", [])
    ]


def _frame(height: int) -> dict[str, Any]:
    return {**FRAME, "height": height}

"""Forecasting: errors by horizon, the fan of every series, and the days ahead of one event."""
# mypy: allow-untyped-calls

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import panel_material_ui as pmui
import param

from dashboard import pictures, theme, wording
from dashboard.pictures import forecasting as drawn
from dashboard.views import parts
from dashboard.views.choice import Choice
from dashboard.views.tasks import TaskView, Verdict

HORIZONS = range(1, 8)


class ForecastingReport(TaskView):
    """Fans of the series, error and coverage by horizon, and what moves demand."""

    primary = ("MASE", "MAE", "RMSE", "SMAPE", "Coverage")
    secondary = ("Width", *(f"MASE_h{day}" for day in HORIZONS), *(f"MAE_h{day}" for day in (1, 7)))

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._fan = pictures.Picture(drawn.fan, drawn.WIDE)
        self._errors = pictures.Picture(drawn.errors)
        self._coverage = pictures.Picture(drawn.coverage)
        self._weekdays = pictures.Picture(drawn.weekdays)
        self._products = pictures.Picture(drawn.products, drawn.TALL)
        self.series = Choice("Series", width=260)
        self.series.param.watch(self._show_series, "value")
        days = parts.heading("Weekdays", drawn.WEEKDAY_NOTE)
        beliefs = parts.heading("Products", drawn.PRODUCT_NOTE)
        self._days_card = parts.card(days, self._weekdays.pane)
        self._products_card = parts.card(beliefs, self._products.pane)
        self._days_card.visible = self._products_card.visible = False

    @param.depends("report", "rivals", watch=True)
    def _show(self) -> None:
        report = self.report
        self.series.offer({name.replace("/", " in "): name for name in report.get("series") or {}})
        self._errors.send((report, self.rivals))
        self._coverage.send(report)
        self._weekdays.send(report.get("weekday_factors"))
        self._products.send(report.get("products"))
        self._days_card.visible = "weekday_factors" in report
        self._products_card.visible = "products" in report
        self._show_series()

    def _show_series(self, _event: Any = None) -> None:
        name, report = self.series.value, self.report
        ahead = (report.get("fans") or {}).get(name) or []
        self._fan.send({**((report.get("series") or {}).get(name) or {}), "fan": ahead})

    def wide(self) -> list[Any]:
        return [parts.card(parts.titled("Series", drawn.FAN_NOTE, self.series), self._fan.pane)]

    def panels(self) -> list[Any]:
        return [
            parts.card(parts.heading("Error by horizon", drawn.ERROR_NOTE), self._errors.pane),
            parts.card(
                parts.heading("Coverage by horizon", drawn.COVERAGE_NOTE), self._coverage.pane
            ),
            self._days_card,
            self._products_card,
        ]


class ForecastingVerdict(Verdict):
    """Units expected on the day itself, and the fan of the seven after it."""

    reasons_note = "What each cause adds to the units of the day itself, or takes off them."
    more, less = theme.GOOD, theme.BAD

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._today = parts.figure(size="h5", css_classes=["value"])
        self._bounds = parts.quiet()
        self._fan = pictures.Picture(lambda data: drawn.fan(data, drawn.LOW), drawn.LOW)
        self._days = parts.quiet()

    @param.depends("answer", watch=True)
    def _show(self) -> None:
        if self.answer is None:
            return
        answer, unit = self.answer, self.unit or "units"
        today, day = answer["today"], date.fromordinal(answer["day"])
        parts.say(self._today, f"{wording.quantity(today['value'], unit)} on {day:%A, %d %B}")
        parts.say(self._bounds, f"Four of five such days bring {_bounds(today)}.")
        ahead = _fan_of(answer)
        self._fan.send({**self._recent(answer["series"]), "fan": ahead})
        parts.say(self._days, "\n".join(_line(one) for one in ahead) or _NO_FAN)

    def _recent(self, series: str) -> dict[str, Any]:
        """What the report knows of a series' past."""
        known: dict[str, Any] = (self.report.get("series") or {}).get(series, {})
        return known

    def brief(self, prediction: dict[str, Any]) -> tuple[str, float]:
        """Units of the day itself."""
        value = float(prediction["today"]["value"])
        return wording.quantity(value, self.unit or "units"), value

    def weight(self, value: float) -> str:
        """One reason's weight in units."""
        return wording.signed(wording.quantity(value))

    def __panel__(self) -> pmui.Column:
        return parts.stack(self._today, self._bounds, self._fan.pane, self._days, gap=1)


_NO_FAN = "Nothing is forecast for the days after it yet."


def _fan_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The days ahead, dated."""
    first = date.fromordinal(answer["day"])
    return [
        {"day": (first + timedelta(days=ahead)).isoformat(), **one}
        for ahead, one in enumerate(answer["fan"].values(), 1)
        if one is not None
    ]


def _bounds(forecast: dict[str, float]) -> str:
    low, high = (wording.quantity(forecast[end]) for end in ("lower", "upper"))
    return f"{low} to {high}"


def _line(one: dict[str, Any]) -> str:
    day = date.fromisoformat(one["day"])
    return f"{day:%a %d %b}: {wording.quantity(one['value'])} ({_bounds(one)})"

"""What a forecaster says of a series on a day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated, Any

import msgspec
from msgspec import Meta

HORIZONS = 7
"""Forecasts reach this many days ahead."""
LAST_DAY = date.max.toordinal()


class Forecast(msgspec.Struct, frozen=True, gc=False):
    """Units expected, and the bounds between which 80 % of outcomes are to lie."""

    value: float
    lower: float
    upper: float


class Horizons(msgspec.Struct, frozen=True, gc=False):
    """One forecast for each number of days ahead; None where none was made in time."""

    h1: Forecast | None = None
    h2: Forecast | None = None
    h3: Forecast | None = None
    h4: Forecast | None = None
    h5: Forecast | None = None
    h6: Forecast | None = None
    h7: Forecast | None = None

    def __iter__(self) -> Iterator[Forecast | None]:
        """Nearest first."""
        return iter((self.h1, self.h2, self.h3, self.h4, self.h5, self.h6, self.h7))


class ForecastingPrediction(msgspec.Struct, frozen=True, gc=False):
    """Forecasts for one series as its event of `day` finds them.

    `day` counts days since the year 1, as `date.toordinal` does. `today` is expected of the day
    itself, with its own price and promotion known. `made`: what had been forecast for this day 1 to
    7 days before it, which is what is scored.
    """

    series: str
    day: Annotated[int, Meta(ge=1, le=3_652_059)]
    today: Forecast
    made: Horizons


class ForecastingAnswer(ForecastingPrediction, frozen=True, gc=False):
    """What is told to somebody who asks. `fan`: what is forecast now for the 7 days after `day`."""

    fan: Horizons


def dated(day: int, forecasts: Sequence[Forecast | None]) -> list[dict[str, Any]]:
    """Forecasts for the days after one, plain JSON with rounded units; those that there are."""
    return [
        {"day": iso_date(day + ahead)} | {name: round(value, 1) for name, value in _named(one)}
        for ahead, one in enumerate(forecasts, 1)
        if one is not None
    ]


def iso_date(day: int) -> str:
    """A date by its ordinal; the last one there is for those beyond."""
    return date.fromordinal(min(day, LAST_DAY)).isoformat()


def _named(forecast: Forecast) -> list[tuple[str, float]]:
    return [("value", forecast.value), ("lower", forecast.lower), ("upper", forecast.upper)]

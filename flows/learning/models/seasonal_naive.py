"""The forecast that every other one is measured by: as a week before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from math import exp, log1p
from typing import Any

from river import base

from flows.learning.models.forecast_book import ForecastBook
from flows.learning.models.interval_levels import IntervalLevels
from flows.learning.tasks.forecasting_prediction import HORIZONS, Forecast, Horizons, dated

SEASON = 7
WEEKS = 4
NOTICE = 0.005
FIRST_DEVIATION = 0.3
EVENTS_BETWEEN_LOOKS = 50
DESCRIBED = 100


class Weeks:
    """The last four weeks of a series, and what was forecast of it."""

    __slots__ = ("book", "newest", "sold")

    def __init__(self) -> None:
        self.sold: dict[int, float] = {}
        self.newest = 0
        self.book: ForecastBook[Forecast] = ForecastBook()

    def expected(self, day: int) -> float:
        """What was sold on the newest day of that weekday; the newest day's for want of one."""
        for before in range(day - SEASON, day - SEASON * (WEEKS + 1), -SEASON):
            if before in self.sold:
                return self.sold[before]
        return self.sold[self.newest]

    def note(self, day: int, quantity: float) -> None:
        """Take in a day; those four weeks before it are forgotten."""
        if abs(day - self.newest) > SEASON * WEEKS:
            self.sold.clear()
            self.book.clear()
            self.newest = day
        self.sold[day] = quantity
        self.newest = max(day, self.newest)
        if len(self.sold) > SEASON * WEEKS:
            del self.sold[min(self.sold)]


class SeasonalNaive(base.Regressor):
    """Forecasts what was sold a week before, with bounds that move until they hold.

    Features: `series` names what is forecast, `day` is a date's ordinal. At most `max_series` are
    held; those that were not learnt for longest are forgotten.
    """

    def __init__(self, max_series: int = 5_000) -> None:
        self.max_series = max_series
        self._series: OrderedDict[Hashable, Weeks] = OrderedDict()
        self._levels = IntervalLevels()
        self._deviation = FIRST_DEVIATION
        self._learnt = 0
        self._factors = [self._around(horizon) for horizon in range(HORIZONS + 1)]

    def forecast_one(self, x: dict[Any, Any]) -> tuple[Forecast, Horizons] | None:
        """Forecast a series as of a day whose sales are not known; None for an unknown series."""
        weeks = self._series.get(x.get("series"))
        if weeks is None:
            return None
        day = _day(x, weeks)
        return self._today(weeks, day), Horizons(*weeks.book.made(day))

    def fan_one(self, x: dict[Any, Any]) -> list[Forecast]:
        """Forecast the 7 days after one; empty for an unknown series."""
        weeks = self._series.get(x.get("series"))
        return [] if weeks is None else self._fan(weeks, _day(x, weeks))

    def predict_one(self, x: dict[Any, Any]) -> float:
        """Units sold a week before; 0 for an unknown series."""
        weeks = self._series.get(x.get("series"))
        return 0.0 if weeks is None else weeks.expected(_day(x, weeks))

    def learn_one(self, x: dict[Any, Any], y: float) -> None:
        """Learn how many were sold, then issue forecasts for the days after it."""
        quantity = max(0.0, float(y))
        weeks = self._find(x.get("series"))
        day = _day(x, weeks)
        self._judge(weeks, day, quantity)
        weeks.note(day, quantity)
        if day == weeks.newest:
            weeks.book.issue(day, self._fan(weeks, day))

    def describe(self) -> dict[str, Any]:
        """The newest fans, plain JSON."""
        newest = list(self._series.items())[-DESCRIBED:]
        fans = {
            str(name): dated(weeks.newest, weeks.book.issued(weeks.newest))
            for name, weeks in newest
        }
        return {"fans": fans}

    def _judge(self, weeks: Weeks, day: int, quantity: float) -> None:
        for horizon, issued in enumerate(weeks.book.made(day), 1):
            if issued is not None:
                bounds = issued.lower, issued.value, issued.upper
                self._levels.learn(horizon, quantity, *bounds)
        if weeks.sold:
            off = abs(log1p(quantity) - log1p(weeks.expected(day)))
            self._deviation += NOTICE * (off - self._deviation)
        self._learnt += 1
        if self._learnt % EVENTS_BETWEEN_LOOKS == 0:
            self._factors = [self._around(horizon) for horizon in range(HORIZONS + 1)]

    def _fan(self, weeks: Weeks, day: int) -> list[Forecast]:
        fan, sold = [], weeks.sold
        for ahead, (lower, upper) in enumerate(self._factors[1:], 1):
            value = sold.get(day + ahead - SEASON)
            if value is None:
                value = weeks.expected(day + ahead)
            low = (value + 1) * lower - 1
            fan.append(Forecast(value, low if low > 0 else 0.0, (value + 1) * upper - 1))
        return fan

    def _today(self, weeks: Weeks, day: int) -> Forecast:
        value = weeks.expected(day)
        lower, upper = self._factors[0]
        return Forecast(value, max(0.0, (value + 1) * lower - 1), (value + 1) * upper - 1)

    def _around(self, horizon: int) -> tuple[float, float]:
        """Factors of lower and upper bound; the day itself has those of a day ahead."""
        low, _, high = self._levels.at(max(1, horizon))
        return exp(min(low, 0.0) * self._deviation), exp(max(high, 0.0) * self._deviation)

    def _find(self, name: Hashable) -> Weeks:
        if name not in self._series:
            self._series[name] = Weeks()
            if len(self._series) > self.max_series:
                self._series.popitem(last=False)
        self._series.move_to_end(name)
        return self._series[name]


def _day(x: dict[Any, Any], weeks: Weeks) -> int:
    """The day of an event; without one it is the day after the newest."""
    day = x.get("day")
    return day if isinstance(day, int) else weeks.newest + 1

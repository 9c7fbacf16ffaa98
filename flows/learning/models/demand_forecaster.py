"""A forecaster of many daily series of demand that learn from each other."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from math import exp, expm1, log1p
from typing import Any, TypeVar

from river import base

from flows.learning.models import demand_beliefs as beliefs
from flows.learning.models.campaign_odds import CampaignOdds
from flows.learning.models.demand_effects import (
    HOLIDAY,
    LEVEL,
    PRICE,
    PROMOTION,
    WEEKDAY,
    Effects,
    learn_sum,
)
from flows.learning.models.demand_series import DemandSeries, Issue, Situation
from flows.learning.models.interval_levels import MEAN_DEVIATION, IntervalLevels, bounds
from flows.learning.tasks.forecasting_prediction import HORIZONS, Forecast, Horizons, dated

FIRST_DAY = 1
CLIP = 3.0
TREND_GAIN = 0.02
RESERVE = 1.4
NOTICE = 0.002
LARGEST_RATIO = 4.0
LARGEST_LOG = 30.0
LARGEST_UNITS = expm1(LARGEST_LOG)
DESCRIBED = 100
NOTHING = 1e-9

Kept = TypeVar("Kept")
Outlook = tuple[Forecast, Horizons]
"""Of the day itself, and made before for the day."""


class DemandForecaster(base.Regressor):
    """Demand as a product of effects, of all series, of the product, of the store and of its own.

    On a logarithmic scale each day's demand is the sum of levels, which wander, of the weekday, of
    a holiday, of a promotion and of its price; shocks of a store and of all fade within days. What
    an observation disagrees with is shared out among its effects by how uncertain they are, so
    that products in several stores need less time. Days ahead are promoted as often as campaigns
    of that age went on (`CampaignOdds`); their forecast is the median of both cases and its
    bounds are moved until they hold (`IntervalLevels`).

    Features: `series`, `product` and `store` name what is sold where, `day` is a date's ordinal,
    `price`, `promotion`, `campaign` and `holiday` tell of that day; each may be missing. Quantities
    below 0 count as 0.

    Parameters
    ----------
    calendar
        Tells of a day's ordinal whether it is a holiday, known ahead.
    max_series
        How many series are held; those that were not learnt for longest are forgotten.
    """

    def __init__(
        self, calendar: Callable[[int], bool] | None = None, max_series: int = 5_000
    ) -> None:
        self.calendar = calendar
        self.max_series = max_series
        self._all = beliefs.effects_of_all()
        self._products: OrderedDict[Hashable, Effects] = OrderedDict()
        self._stores: OrderedDict[Hashable, Effects] = OrderedDict()
        self._series: OrderedDict[Hashable, DemandSeries] = OrderedDict()
        self._odds = CampaignOdds()
        self._levels = IntervalLevels()
        self._ratios = [1.0] * (HORIZONS + 1)
        self._discount = beliefs.DISCOUNT
        self._typical_level = beliefs.FIRST_LEVEL

    def forecast_one(self, x: dict[Any, Any]) -> Outlook | None:
        """Forecast a series as of a day whose sales are not known; None before any was learnt.

        Of an unknown series it says what its product, its store and all series let expect.
        """
        series = self._look_up(x)
        if series is None:
            return None
        day = _day(x, series)
        now = series.situation(x, day, self._discount)
        made = Horizons(*[issue.forecast if issue else None for issue in series.book.made(day)])
        return self._today(series, now), made

    def fan_one(self, x: dict[Any, Any]) -> list[Forecast]:
        """Forecast the 7 days after one; empty before any was learnt."""
        series = self._look_up(x)
        if series is None:
            return []
        now = series.situation(x, _day(x, series), self._discount)
        return [issue.forecast for issue in self._fan(series, now)]

    def predict_one(self, x: dict[Any, Any]) -> float:
        """Units expected on the day itself; 0 before anything was learnt."""
        series = self._look_up(x)
        if series is None:
            return 0.0
        return self._today(series, series.situation(x, _day(x, series), self._discount)).value

    def learn_one(self, x: dict[Any, Any], y: float) -> None:
        """Learn how many were sold, then issue forecasts for the days after it.

        A day before the newest one counts the less the longer it is past, and issues forecasts as
        of the newest one.
        """
        quantity, series = max(0.0, float(y)), self._find(x)
        day = _day(x, series)
        now = series.situation(x, day, self._discount)
        noise = RESERVE * series.deviation**2
        if series.is_late(day) and series.now is not None:
            noise *= 1 + series.now.day - day
        else:
            self._begin(series, now)
        self._judge(series, now, quantity)
        trending = series.product.mean[LEVEL]
        surprise = learn_sum(series.terms(now), log1p(quantity), noise, CLIP)
        series.product.trend += TREND_GAIN * (series.product.mean[LEVEL] - trending)
        outcome = surprise * MEAN_DEVIATION / series.deviation
        self._levels.learn(0, outcome, *self._levels.at(0))
        series.note_surprise(surprise)
        self._typical_level += NOTICE * (series.own.mean[LEVEL] - self._typical_level)
        if series.now is not None:
            series.book.issue(series.now.day, self._fan(series, series.now))

    def explain_one(self, x: dict[Any, Any]) -> dict[str, float]:
        """What adds up to the units expected on the day itself; empty before anything was learnt.

        `level` is what would sell without the rest, which is shared out by its logarithms.
        """
        series = self._look_up(x)
        if series is None:
            return {}
        parts = series.parts(series.situation(x, _day(x, series), self._discount))
        level, rest = parts.pop("level"), sum(parts.values())
        units, added = _units(level), _units(level + rest) - _units(level)
        each = added / rest if abs(rest) > NOTHING else units + 1
        return {"level": units, **{name: each * part for name, part in parts.items()}}

    def describe(self) -> dict[str, Any]:
        """Factors of demand as they are believed now, of all and of each product; newest fans.

        Plain JSON.
        """
        products = list(self._products.items())[-DESCRIBED:]
        newest = list(self._series.items())[-DESCRIBED:]
        return {
            "series_known": len(self._series),
            "weekday_factors": [_factor(effect) for effect in self._all.mean[WEEKDAY:]],
            "holiday_factor": _factor(self._all.mean[HOLIDAY]),
            "promotion_factor": _factor(self._all.mean[PROMOTION]),
            "price_elasticity": round(self._all.mean[PRICE], 3),
            "products": {str(name): self._describe(effects) for name, effects in products},
            "fans": {str(name): _fan_of(series) for name, series in newest},
        }

    def on_drift(self) -> None:
        """Doubt what products and series were learnt to be, so that what comes counts more."""
        product, own = beliefs.doubted(beliefs.PRODUCT_PRIOR), beliefs.doubted(beliefs.SERIES_PRIOR)
        for effects in self._products.values():
            effects.loosen(product)
        for series in self._series.values():
            series.own.loosen(own)

    def _begin(self, series: DemandSeries, now: Situation) -> None:
        """Let the series' newest day be this one; learn how its campaign goes."""
        if series.now is not None and now.day < series.now.day:
            series.book.clear()
            series.history.clear()
        series.move_on(now.day)
        for day, key in series.history:
            if 0 < now.day - day <= HORIZONS:
                self._odds.learn(key, now.day - day, now.age > 0)
        if series.now is None or now.day != series.now.day:
            series.history.append((now.day, self._odds.key(now.age, now.weekday)))
        if now.age and series.now is not None:
            self._discount += NOTICE * (now.reduced - now.regular - self._discount)
        series.now = now

    def _judge(self, series: DemandSeries, now: Situation, quantity: float) -> None:
        """Learn from what had been forecast for the day how far to trust forecasts."""
        z = log1p(quantity)
        for horizon, issue in enumerate(series.book.made(now.day), 1):
            if issue is not None:
                forecast = issue.forecast
                self._levels.learn(
                    horizon, quantity, forecast.lower, forecast.value, forecast.upper
                )
                off = z - issue.center - (issue.uplift if now.age else 0.0)
                ratio = min(abs(off) / series.deviation, LARGEST_RATIO)
                self._ratios[horizon] += NOTICE * (ratio - self._ratios[horizon])

    def _fan(self, series: DemandSeries, now: Situation) -> list[Issue]:
        """Forecast the days after one."""
        uplift, scale = series.uplift(now), series.deviation / MEAN_DEVIATION
        centers = series.centers(now, self.calendar)
        odds = self._odds.ahead(self._odds.key(now.age, now.weekday))
        fan = []
        for horizon in range(1, HORIZONS + 1):
            center, at = centers[horizon - 1], self._levels.at(horizon)
            around = bounds(at, scale * self._ratios[horizon], odds[horizon - 1], uplift)
            fan.append(Issue(_forecast(center, around), center, uplift))
        return fan

    def _today(self, series: DemandSeries, now: Situation) -> Forecast:
        """Forecast a day whose offer is known."""
        scale = series.deviation / MEAN_DEVIATION
        return _forecast(series.center(now), bounds(self._levels.at(0), scale, 0.0, 0.0))

    def _look_up(self, x: dict[Any, Any]) -> DemandSeries | None:
        """The series of an event, or one that is like all; None before anything was learnt."""
        series = self._series.get(x.get("series"))
        if series is not None or not self._series:
            return series
        product = self._products.get(x.get("product")) or beliefs.effects_of_product()
        store = self._stores.get(x.get("store")) or beliefs.effects_of_store()
        own = beliefs.effects_of_series(self._typical_level)
        stranger = DemandSeries(self._all, product, store, own, x.get("price"))
        stranger.deviation = beliefs.STRANGERS_DEVIATION
        return stranger

    def _find(self, x: dict[Any, Any]) -> DemandSeries:
        """The series of an event, made if it is new; the product and the store as well."""

        def make() -> DemandSeries:
            product = self._recent(self._products, x.get("product"), beliefs.effects_of_product)
            store = self._recent(self._stores, x.get("store"), beliefs.effects_of_store)
            own = beliefs.effects_of_series(self._typical_level)
            return DemandSeries(self._all, product, store, own, x.get("price"))

        return self._recent(self._series, x.get("series"), make)

    def _recent(
        self, known: OrderedDict[Hashable, Kept], name: Hashable, make: Callable[[], Kept]
    ) -> Kept:
        """Look something up as the newest one; the oldest gives way to what is new."""
        found = known.get(name)
        if found is None:
            found = known[name] = make()
            if len(known) > self.max_series:
                known.popitem(last=False)
        known.move_to_end(name)
        return found

    def _describe(self, effects: Effects) -> dict[str, float]:
        """What is believed of a product, the part of all included."""
        mean, everything = effects.mean, self._all.mean
        return {
            "holiday_factor": _factor(everything[HOLIDAY] + mean[HOLIDAY]),
            "promotion_factor": _factor(everything[PROMOTION] + mean[PROMOTION]),
            "price_elasticity": round(everything[PRICE] + mean[PRICE], 3),
            "growth_per_day": round(effects.trend, 5),
        }


def _day(x: dict[Any, Any], series: DemandSeries) -> int:
    """The day of an event; without one it is the day after the newest."""
    day = x.get("day")
    if isinstance(day, int):
        return day
    return FIRST_DAY if series.now is None else series.now.day + 1


def _fan_of(series: DemandSeries) -> list[dict[str, Any]]:
    if series.now is None:
        return []
    issued = series.book.issued(series.now.day)
    return dated(series.now.day, [issue.forecast if issue else None for issue in issued])


def _forecast(center: float, around: Sequence[float]) -> Forecast:
    lower, value, upper = around
    if center + lower > 0 and center + upper < LARGEST_LOG:
        return Forecast(expm1(center + value), expm1(center + lower), expm1(center + upper))
    return Forecast(_units(center + value), _units(center + lower), _units(center + upper))


def _units(logarithm: float) -> float:
    """Units from the logarithm of one more."""
    if logarithm <= 0:
        return 0.0
    return expm1(logarithm) if logarithm < LARGEST_LOG else LARGEST_UNITS


def _factor(effect: float) -> float:
    return round(exp(max(-LARGEST_LOG, min(effect, LARGEST_LOG))), 3)

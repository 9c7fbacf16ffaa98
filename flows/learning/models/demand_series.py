"""One series of daily demand: the effects that it is the sum of, and where it stands."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import log
from typing import Any

import msgspec

from flows.learning.models.demand_beliefs import FIRST_DEVIATION, LEAST_DEVIATION
from flows.learning.models.demand_effects import (
    HOLIDAY,
    LEVEL,
    LONGEST_DELAY,
    PRICE,
    PROMOTION,
    WEEKDAY,
    Effects,
    Terms,
)
from flows.learning.models.forecast_book import ForecastBook
from flows.learning.tasks.forecasting_prediction import HORIZONS, Forecast

SLOWEST_FORGETTING = 0.03
HEAD_START = 8
LARGEST_SURPRISE = 4.0


class Situation(msgspec.Struct, frozen=True, gc=False):
    """How a product is offered on a day.

    Prices are logarithms, relative to the first one seen: `regular` without promotion, `reduced`
    with one; one of the two is today's, the other what is to be expected. `age` counts the days of
    the campaign, 0 without one.
    """

    day: int
    age: int = 0
    campaign: Any = None
    regular: float = 0.0
    reduced: float = 0.0
    holiday: bool = False

    @property
    def weekday(self) -> int:
        """0 is Monday."""
        return (self.day + 6) % 7


class Issue(msgspec.Struct, frozen=True, gc=False):
    """A forecast with the logarithms behind it: without promotion, and what one would add."""

    forecast: Forecast
    center: float
    uplift: float


class DemandSeries:
    """What is known of one series. `deviation` is its mean surprise once a day's offer is known."""

    __slots__ = (
        "all",
        "book",
        "count",
        "deviation",
        "history",
        "now",
        "own",
        "product",
        "reference",
        "store",
    )

    def __init__(
        self, everything: Effects, product: Effects, store: Effects, own: Effects, price: Any
    ) -> None:
        self.all = everything
        self.product = product
        self.store = store
        self.own = own
        self.reference = log(price) if _is_price(price) else 0.0
        self.deviation = FIRST_DEVIATION
        self.count = 0
        self.now: Situation | None = None
        self.book: ForecastBook[Issue] = ForecastBook()
        self.history: deque[tuple[int, int]] = deque(maxlen=HORIZONS)

    def situation(self, x: dict[Any, Any], day: int, discount: float) -> Situation:
        """How the product is offered on a day; promotion is expected to change prices so much."""
        price = log(x["price"]) - self.reference if _is_price(x.get("price")) else 0.0
        holiday, campaign, before = bool(x.get("holiday")), x.get("campaign"), self.now
        if not x.get("promotion"):
            return Situation(day, 0, None, price, price + discount, holiday)
        if before is None:
            return Situation(day, 1, campaign, price - discount, price, holiday)
        goes_on = before.age and before.campaign == campaign and day >= before.day
        age = before.age + day - before.day if goes_on else 1
        return Situation(day, age, campaign, before.regular, price, holiday)

    def is_late(self, day: int) -> bool:
        """Whether a day lies before the newest one; one long before it begins the series anew."""
        return self.now is not None and self.now.day - LONGEST_DELAY <= day < self.now.day

    def move_on(self, day: int) -> None:
        """Let everything go on to a day."""
        for effects in (self.all, self.product, self.store, self.own):
            effects.move_on(day)

    def terms(self, now: Situation) -> Terms:
        """The effects that a day's demand is the sum of."""
        scopes, weekday = (self.all, self.product, self.store, self.own), WEEKDAY + now.weekday
        terms: Terms = [(scope, LEVEL, 1.0) for scope in scopes]
        terms += [(scope, weekday, 1.0) for scope in scopes]
        if now.holiday:
            terms += [(scope, HOLIDAY, 1.0) for scope in scopes[:2]]
        if now.age:
            terms += [(scope, PROMOTION, 1.0) for scope in (self.all, self.product, self.own)]
        price = now.reduced if now.age else now.regular
        if price:
            terms += [(scope, PRICE, price) for scope in scopes[:2]]
        return terms

    def parts(self, now: Situation) -> dict[str, float]:
        """A day's demand as logarithms that add up, by what they come from."""
        everything, product = self.all, self.product
        level = everything.level(now.day) + self.store.level(now.day) + self.own.level(now.day)
        return {
            "level": level + product.mean[LEVEL],
            "trend": product.level(now.day) - product.mean[LEVEL],
            "weekday": self._weekday(now.weekday),
            "holiday": now.holiday * self._holiday(),
            "promotion": self.uplift(now) if now.age else 0.0,
            "price": self._elasticity() * now.regular,
        }

    def uplift(self, now: Situation) -> float:
        """What promotion adds to the logarithm of demand, its change of price included."""
        means = self.all.mean[PROMOTION] + self.product.mean[PROMOTION] + self.own.mean[PROMOTION]
        return means + self._elasticity() * (now.reduced - now.regular)

    def centers(self, now: Situation, calendar: Callable[[int], bool] | None) -> list[float]:
        """Logarithms of demand without promotion, 1 to 7 days ahead."""
        first, holiday = now.day + 1, self._holiday()
        shocks, shock = self.all.level(first), self.store.level(first)
        level = self.product.level(first)
        trend = self.product.trend * self.product.damping ** max(1, first - self.product.day)
        fixed = self.own.mean[LEVEL] + self._elasticity() * now.regular
        scopes = self.all.mean, self.product.mean, self.store.mean, self.own.mean
        everywhere, product, store, own = scopes
        centers = []
        for day in range(first, first + HORIZONS):
            at = WEEKDAY + (day + 6) % 7
            center = fixed + level + shocks + shock
            center += everywhere[at] + product[at] + store[at] + own[at]
            if calendar is not None and calendar(day):
                center += holiday
            centers.append(center)
            level += trend
            trend *= self.product.damping
            shocks *= self.all.fading
            shock *= self.store.fading
        return centers

    def center(self, now: Situation) -> float:
        """Logarithm of a day's demand as it is offered: the sum of its parts."""
        center = self.product.level(now.day) + self.own.mean[LEVEL] + self._weekday(now.weekday)
        center += self.all.level(now.day) + self.store.level(now.day)
        center += self._elasticity() * now.regular
        if now.holiday:
            center += self._holiday()
        return center + self.uplift(now) if now.age else center

    def note_surprise(self, surprise: float) -> None:
        """Take in how far off an observation was."""
        self.count += 1
        rate = max(SLOWEST_FORGETTING, 1 / (self.count + HEAD_START))
        size = min(abs(surprise), LARGEST_SURPRISE * self.deviation)
        self.deviation = max(LEAST_DEVIATION, self.deviation + rate * (size - self.deviation))

    def _weekday(self, weekday: int) -> float:
        place = WEEKDAY + weekday
        common = self.all.mean[place] + self.product.mean[place]
        return common + self.store.mean[place] + self.own.mean[place]

    def _holiday(self) -> float:
        return self.all.mean[HOLIDAY] + self.product.mean[HOLIDAY]

    def _elasticity(self) -> float:
        return self.all.mean[PRICE] + self.product.mean[PRICE]


def _is_price(price: Any) -> bool:
    return isinstance(price, int | float) and 0 < price < float("inf")

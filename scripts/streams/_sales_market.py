"""The shops behind the living stream of sales: what moves demand, and by how much."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date
from math import cos, exp, log, pi

DAYS_IN_YEAR = 365.25
THURSDAY = 3
WEEKDAYS = range(7)
CAMPAIGN_DAYS = (4, 7, 14)
CAMPAIGN_DAYS_ODDS = (0.3, 0.5, 0.2)
CAMPAIGN_STARTS = 0.14
SURPRISE_STARTS = 0.004
PRICE_CHANGES = 1 / 45
STORE_MEMORY = 0.75
STORE_SHOCK = 0.05
CHAIN_SHOCK = 0.02
LEVEL_NOISE = 0.012
SHIFTED_LEVELS, SHIFTED_WEEKS, DEAF_TO_PROMOTION = 10, 8, 8


@dataclass(slots=True)
class Campaign:
    """A promotion of one product: where, at which discount, until which day."""

    name: str
    discount: float
    stores: frozenset[str]
    ends: int


@dataclass(slots=True)
class Product:
    """What sells it. Logarithms of factors, but for prices, elasticity and the trend by year."""

    name: str
    price: float
    demand: float
    elasticity: float
    uplift: float
    holiday: float
    trend: float
    amplitude: float
    peak: float
    week: list[float]
    regular: float = 1.0
    campaign: Campaign | None = None
    other_level: float = 0.0
    other_week: list[float] = field(default_factory=list)
    other_uplift: float = 0.0

    @classmethod
    def draw(cls, rng: random.Random, name: str) -> Product:
        product = cls(
            name,
            price=round(rng.uniform(5, 200), 2),
            demand=log(rng.uniform(12, 60)),
            elasticity=rng.uniform(0.5, 2),
            uplift=rng.uniform(0.1, 0.6),
            holiday=rng.gauss(0.2, 0.15),
            trend=rng.uniform(-0.1, 0.2),
            amplitude=rng.choice((0.0, 0.1, 0.35)),
            peak=rng.choice((15, 196)) + rng.gauss(0, 15),
            week=_week(rng),
        )
        product.other_week, product.other_uplift = product.week, product.uplift
        return product

    def season(self, day: int) -> float:
        """Trend and yearly season of a day, counted from the beginning."""
        wave = self.amplitude * cos(2 * pi * (day - self.peak) / DAYS_IN_YEAR)
        return self.trend * day / DAYS_IN_YEAR + wave


@dataclass(slots=True)
class Store:
    """A place; its shock holds for all that it sells, and fades in days."""

    name: str
    size: float
    week: list[float]
    shock: float = 0.0

    @classmethod
    def draw(cls, rng: random.Random, name: str) -> Store:
        weekend = rng.gauss(0, 0.08)
        return cls(name, rng.uniform(-0.6, 0.6), [weekend * (day >= 5) for day in WEEKDAYS])


class Market:
    """Products in stores, moved on day by day."""

    def __init__(
        self, rng: random.Random, products: tuple[str, ...], stores: tuple[str, ...]
    ) -> None:
        self.products = [Product.draw(rng, name) for name in products]
        self.stores = [Store.draw(rng, name) for name in stores]
        self.on_flash = set(rng.sample(products, len(products) // 2))
        self._levels = {
            (product, store): rng.gauss(0, 0.3) for product in products for store in stores
        }
        self._chain = 0.0
        self._rng = rng
        self._draw_other_concept()

    def next_day(self, day: date) -> None:
        """Let a day begin: levels wander, shocks fade and come, campaigns end and start."""
        rng = self._rng
        self._chain = STORE_MEMORY * self._chain + rng.gauss(0, CHAIN_SHOCK)
        for store in self.stores:
            store.shock = STORE_MEMORY * store.shock + rng.gauss(0, STORE_SHOCK)
        for key in self._levels:
            self._levels[key] += rng.gauss(0, LEVEL_NOISE)
        for product in self.products:
            self._campaign(product, day)
            if rng.random() < PRICE_CHANGES:
                product.regular = rng.uniform(0.9, 1.1)

    def log_demand(
        self, product: Product, store: Store, day: int, weekday: int, other: float
    ) -> float:
        """Logarithm of what is expected without promotion and holiday at the product's own price.

        `other` in [0, 1] is how much of the other concept holds.
        """
        week = (1 - other) * product.week[weekday] + other * product.other_week[weekday]
        level = self._levels[product.name, store.name] + other * product.other_level
        usual = product.demand + store.size + product.season(day) + store.week[weekday]
        return usual + level + week + store.shock + self._chain

    def _campaign(self, product: Product, day: date) -> None:
        """End one that is over; start one, most likely on a Thursday."""
        rng, today = self._rng, day.toordinal()
        if product.campaign and today >= product.campaign.ends:
            product.campaign = None
        odds = CAMPAIGN_STARTS if day.weekday() == THURSDAY else SURPRISE_STARTS
        if product.campaign or rng.random() >= odds:
            return
        (length,) = rng.choices(CAMPAIGN_DAYS, CAMPAIGN_DAYS_ODDS)
        taking_part = frozenset(store.name for store in self.stores if rng.random() < 0.85)
        discount = round(rng.uniform(0.1, 0.35), 2)
        name = f"PROMO_{product.name}_{day:%Y%m%d}"
        product.campaign = Campaign(name, discount, taking_part, today + length)

    def _draw_other_concept(self) -> None:
        rng = self._rng
        for product in rng.sample(self.products, SHIFTED_LEVELS):
            product.other_level = rng.choice((-1, 1)) * rng.uniform(0.4, 0.9)
        for product in rng.sample(self.products, SHIFTED_WEEKS):
            product.other_week = product.week[3:] + product.week[:3]
        for product in rng.sample(self.products, DEAF_TO_PROMOTION):
            product.other_uplift = 0.0


def draw_quantity(rng: random.Random, expected: float, spread: float) -> int:
    """Draw a count: Poisson around a gamma of the expected mean and relative deviation."""
    mean = expected * rng.gammavariate(spread**-2, spread**2)
    if mean > 60:
        return max(0, round(rng.gauss(mean, mean**0.5)))
    count, product, floor = 0, rng.random(), exp(-mean)
    while product > floor:
        count += 1
        product *= rng.random()
    return count


def _week(rng: random.Random) -> list[float]:
    """Factors of the days of a week, of weekend shoppers, office workers or everybody."""
    weekend = rng.choice((0.45, -0.35, 0.0))
    week = [weekend * (day >= 5) + 0.1 * (day == 4) + rng.gauss(0, 0.06) for day in WEEKDAYS]
    mean = sum(week) / len(week)
    return [factor - mean for factor in week]

"""Sales whose quantity is drawn from a formula, at irregular times, in stages that drift."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from flows.projects.sales import PRODUCTS, STORES, is_holiday
from scripts.streams.controls import Controls
from scripts.streams.simulated_time import beginning
from scripts.streams.stream import Clock, Event, Stream, check_probability, iso, uuid4

Seasonality = Literal["strong_winter", "strong_summer", "weekend_peak", "steady"]

SEASONALITIES: tuple[Seasonality, ...] = (
    "strong_winter",
    "strong_summer",
    "weekend_peak",
    "steady",
)
WINTER = (11, 12, 1, 2)
SUMMER = (6, 7, 8)
STAGE_DAYS = 180
SPEED = 3_600
MEAN_GAP = 0.7 * 150.5 + 0.3 * 75 * 60


@dataclass(frozen=True, slots=True)
class Options:
    """Probabilities are in [0, 1]."""

    promotion_probability: float = field(default=0.1, metadata={"help": "share of promoted sales"})

    def __post_init__(self) -> None:
        """Refuse values that no stream can have."""
        check_probability("promotion_probability", self.promotion_probability)


@dataclass(slots=True)
class Product:
    """A line of the catalogue; `trend` is the relative growth in a day."""

    product_id: str
    base_price: float
    base_demand: float
    seasonality: Seasonality
    trend: float
    uplift: float

    @classmethod
    def draw(cls, rng: random.Random, product_id: str) -> Product:
        return cls(
            product_id,
            base_price=round(rng.uniform(5, 200), 2),
            base_demand=rng.randint(5, 50),
            seasonality=rng.choice(SEASONALITIES),
            trend=rng.uniform(-0.05, 0.1) / 365,
            uplift=rng.uniform(1.2, 3),
        )


def generate(
    rng: random.Random, clock: Clock, options: Options, _controls: Controls
) -> Iterator[Event]:
    """Draw sales for ever, a second to two hours apart by the stream's own time."""
    catalogue = [Product.draw(rng, product_id) for product_id in PRODUCTS]
    now = start = beginning(clock)
    stage = 0
    while True:
        days = (now - start).days
        while stage < days // STAGE_DAYS:
            stage += 1
            _drift(catalogue, stage)
        yield _sale(rng, rng.choice(catalogue), now, days, stage, options)
        now += timedelta(seconds=_gap(rng))


def _gap(rng: random.Random) -> float:
    return rng.randint(1, 300) if rng.random() < 0.7 else 60 * rng.uniform(30, 120)


def _drift(catalogue: list[Product], stage: int) -> None:
    """Change what the second and third stage change; later ones change nothing more."""
    if stage == 2:
        for product in catalogue[:5]:
            product.trend *= 1.5
        for product in catalogue[5:10]:
            product.trend *= 0.5
    if stage == 3:
        for product in catalogue[10:15]:
            product.seasonality = "weekend_peak"


def _sale(
    rng: random.Random, product: Product, now: datetime, days: int, stage: int, options: Options
) -> Event:
    promoted = rng.random() < options.promotion_probability
    discount = rng.uniform(0.05, 0.3) if promoted else 0.0
    holiday = is_holiday(now.toordinal())
    quantity = product.base_demand * (1 + product.trend * days) * _season(rng, product, now)
    if promoted:
        effect = product.uplift * (rng.uniform(0.8, 1.2) if stage else 1.0)
        quantity *= effect
    elif holiday:
        quantity *= rng.uniform(1.1, 1.5)
    quantity = max(0, round(quantity * rng.uniform(0.85, 1.15)))
    price = round(product.base_price * (1 - discount), 2)
    return {
        "event_id": uuid4(rng),
        "timestamp": iso(now),
        "product_id": product.product_id,
        "store_id": rng.choice(STORES),
        "quantity_sold": quantity,
        "unit_price": price,
        "total_sales_amount": round(quantity * price, 2),
        "is_promotion_active": promoted,
        "promotion_id": f"PROMO_{product.product_id}_{now:%Y%m%d}" if promoted else None,
        "day_of_week": now.weekday(),
        "month": now.month,
        "is_holiday": holiday,
        "concept_drift_stage": stage,
    }


def _season(rng: random.Random, product: Product, now: datetime) -> float:
    if product.seasonality == "steady":
        return rng.uniform(0.95, 1.05)
    if product.seasonality == "weekend_peak":
        return rng.uniform(1.3, 2) if now.weekday() >= 5 else rng.uniform(0.7, 1)
    high, low = (WINTER, SUMMER) if product.seasonality == "strong_winter" else (SUMMER, WINTER)
    if now.month in high:
        return rng.uniform(1.5, 2.5)
    return rng.uniform(0.5, 0.8) if now.month in low else rng.uniform(0.9, 1.1)


STREAM = Stream(Options, generate, rate=SPEED / MEAN_GAP, speed=SPEED)

"""Sales of twenty products in five stores, one event a day each, when the store has closed.

Demand has a level that wanders, a trend, a year and a week, answers to price, promotion and
holidays, and is shaken by what happens to a store or to all. The other concept: half of the
products sell at another level, some have another week, some are not moved by promotion any more.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import exp, log

from flows.projects.sales import PRODUCTS, STORES, is_holiday
from scripts.streams._sales_market import Market, Product, Store, draw_quantity
from scripts.streams.controls import Controls
from scripts.streams.simulated_time import beginning
from scripts.streams.stream import Clock, Event, Stream, check_at_least, iso, uuid4

STORE_GAP = timedelta(minutes=10)
PRODUCT_GAP = timedelta(seconds=20)
DAY = timedelta(days=1)
FLASH_DISCOUNT = 0.4
FLASH_UPLIFT = 0.5
HOLIDAY_UPLIFT = 0.3
SPIKE = (3.0, 8.0)
SCENARIOS = {
    "flash_sale": "half of the products are promoted at up to 40 % off, on top of their campaigns",
    "holiday": "every day is a holiday, one that no calendar told of",
}


@dataclass(frozen=True, slots=True)
class Options:
    """What the shops are like."""

    spread: float = field(
        default=0.1, metadata={"help": "deviation of a day's sales beyond chance, as a share"}
    )

    def __post_init__(self) -> None:
        """Refuse values that no stream can have."""
        check_at_least("spread", self.spread, 0.001)


@dataclass(frozen=True, slots=True)
class Offer:
    """How a product is offered in a store today; `uplift` is the log factor of the promotion."""

    price: float
    campaign: str | None
    uplift: float


def generate(
    rng: random.Random, clock: Clock, options: Options, controls: Controls
) -> Iterator[Event]:
    """Draw sales for ever, store after store, day after day of the stream's own time."""
    market, start, day = Market(rng, PRODUCTS, STORES), beginning(clock), 0
    while True:
        opened = start + day * DAY
        market.next_day(opened.date())
        for place, store in enumerate(market.stores):
            for line, product in enumerate(market.products):
                closed = opened + place * STORE_GAP + line * PRODUCT_GAP
                yield _sale(rng, market, product, store, closed, day, options, controls)
        day += 1


def _sale(
    rng: random.Random,
    market: Market,
    product: Product,
    store: Store,
    closed: datetime,
    day: int,
    options: Options,
    controls: Controls,
) -> Event:
    other = controls.shift(rng)
    offer = _offer(market, product, store, closed, other, controls)
    surprise = controls.scenario("holiday")
    holiday = is_holiday(closed.toordinal()) or surprise > 0
    demand = market.log_demand(product, store, day, closed.weekday(), other)
    demand += offer.uplift - product.elasticity * log(offer.price / product.price)
    demand += holiday * product.holiday + surprise * HOLIDAY_UPLIFT
    expected = exp(demand)
    quantity = draw_quantity(rng, expected, options.spread)
    anomalous = rng.random() < controls.anomaly_rate
    if anomalous:
        quantity = round(quantity * rng.choice((0.0, rng.uniform(*SPIKE))))
    return {
        "event_id": uuid4(rng),
        "timestamp": iso(closed),
        "product_id": product.name,
        "store_id": store.name,
        "quantity_sold": quantity,
        "unit_price": offer.price,
        "total_sales_amount": round(quantity * offer.price, 2),
        "is_promotion_active": offer.campaign is not None,
        "promotion_id": offer.campaign,
        "day_of_week": closed.weekday(),
        "month": closed.month,
        "is_holiday": holiday,
        "concept_drift_stage": round(100 * other),
        "_truth": {"expected": expected, "other": other, "anomalous": anomalous},
    }


def _offer(
    market: Market,
    product: Product,
    store: Store,
    closed: datetime,
    other: float,
    controls: Controls,
) -> Offer:
    price, campaign = product.price * product.regular, product.campaign
    uplift = (1 - other) * product.uplift + other * product.other_uplift
    if product.name in market.on_flash and (flash := controls.scenario("flash_sale")):
        price *= 1 - flash * FLASH_DISCOUNT
        return Offer(round(price, 2), f"FLASH_{closed:%Y%m%d}", uplift + flash * FLASH_UPLIFT)
    if campaign and store.name in campaign.stores:
        return Offer(round(price * (1 - campaign.discount), 2), campaign.name, uplift)
    return Offer(round(price, 2), None, 0.0)


STREAM = Stream(Options, generate, rate=100 / 4, scenarios=SCENARIOS, speed=86_400 / 4)

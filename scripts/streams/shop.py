"""A shop that stays the same: products with one category and price each, and its busy hours."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime
from math import exp
from zoneinfo import ZoneInfo

from flows.projects.interactions import CATEGORIES, PRODUCTS

ZONE = ZoneInfo("America/Chicago")
USUAL_PRICES = (180, 55, 90, 28, 65, 18, 12, 75, 30, 620, 24, 16)
"""Typical price of each category, in dollars."""

BUSY_HOURS = (
    *(0.45, 0.3, 0.22, 0.2, 0.22, 0.35, 0.55, 0.8, 1.0, 1.1, 1.15, 1.2),
    *(1.3, 1.2, 1.1, 1.05, 1.1, 1.2, 1.4, 1.6, 1.7, 1.6, 1.2, 0.8),
)
BUSY_DAYS = (0.95, 0.9, 0.9, 0.95, 1.0, 1.15, 1.2)


@dataclass(frozen=True, slots=True)
class Product:
    """Something for sale; `rank` says how dear it is within its category, from 0 to 1."""

    id: str
    category: str
    price: float
    rank: float


class Catalogue:
    """All products, by category and dearness."""

    def __init__(self, rng: random.Random) -> None:
        shelves: dict[str, list[str]] = {category: [] for category in CATEGORIES}
        for number, product in enumerate(PRODUCTS):
            shelves[CATEGORIES[number % len(CATEGORIES)]].append(product)
        self.shelves = {
            category: _priced(rng, category, usual, products)
            for (category, products), usual in zip(shelves.items(), USUAL_PRICES, strict=True)
        }

    def pick(self, rng: random.Random, category: str, dearness: float) -> Product:
        """Draw a product of the category, near the wanted rank of price."""
        shelf = self.shelves[category]
        place = rng.gauss(dearness, 0.22) * (len(shelf) - 1)
        return shelf[min(max(round(place), 0), len(shelf) - 1)]


def _priced(
    rng: random.Random, category: str, usual: float, products: list[str]
) -> tuple[Product, ...]:
    """Spread prices evenly in ratio, from a third to three times the usual one."""
    last = len(products) - 1
    ranks = [number / last for number in range(len(products))]
    rng.shuffle(products)
    return tuple(
        Product(product, category, round(usual * exp(2.2 * (rank - 0.5)), 2), rank)
        for product, rank in zip(products, ranks, strict=True)
    )


def busyness(now: datetime) -> float:
    """How many visits begin now, as a multiple of the average."""
    local = now.astimezone(ZONE)
    hour, minutes = local.hour, local.minute / 60
    between = BUSY_HOURS[hour] * (1 - minutes) + BUSY_HOURS[(hour + 1) % 24] * minutes
    return between * BUSY_DAYS[local.weekday()]

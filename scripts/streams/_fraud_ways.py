"""The ways in which payments come about: out of habit, or by one of the ways of fraud."""

from __future__ import annotations

import random
from dataclasses import dataclass

from flows.projects.fraud import PAYMENT_METHODS, TRANSACTION_TYPES
from scripts.streams._fraud_causes import (
    OTHER_RISKY_CATEGORIES,
    OTHER_RISKY_METHODS,
    OTHER_RISKY_TYPES,
    RISKY_CATEGORIES,
)
from scripts.streams._fraud_people import Device, Merchant, People, User

USUAL_KINDS = (0.68, 0.05, 0.08, 0.16, 0.03)


@dataclass(frozen=True, slots=True)
class Way:
    """How somebody pays: `factor` is the median share of the usual sum, `spread` that of its log.

    `stranger`: with a device of their own, from elsewhere. `imitator`: with a device that tells
    the same as the user's, from nearby. `payments` is the range of their number in a session,
    `seconds` the mean time between two. `chosen` is the share that goes to the merchants chosen
    for this way, the rest goes to any.
    """

    cause: str
    factor: float
    spread: float
    cvv: float
    match: float
    payments: tuple[int, int]
    seconds: float
    stranger: bool = False
    imitator: bool = False
    chosen: float = 0.0
    categories: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


HABIT = Way("habit", 1.0, 0.45, 1.0, 1.0, (1, 3), 200.0, chosen=0.75)
USUAL_WAYS = (
    Way(
        *("takeover", 6.0, 0.5, 0.5, 0.5, (3, 8), 60.0),
        stranger=True,
        chosen=0.8,
        categories=tuple(RISKY_CATEGORIES),
        methods=("credit_card", "credit_card", "crypto"),
        kinds=("purchase", "purchase", "transfer"),
    ),
    Way(
        *("stolen_card", 4.0, 0.5, 0.08, 0.15, (1, 3), 120.0),
        stranger=True,
        chosen=0.6,
        categories=tuple(RISKY_CATEGORIES),
        methods=("credit_card", "debit_card"),
        kinds=("purchase",),
    ),
    Way("new_account", 9.0, 0.4, 0.4, 0.3, (2, 5), 120.0, chosen=0.7, categories=("electronics",)),
    Way("shady_merchant", 7.0, 0.4, 0.9, 0.95, (1, 1), 60.0, chosen=1.0),
)
SHARES_OF_WAYS = (0.40, 0.35, 0.15, 0.10)
"""Of the sessions of fraudsters."""
OTHER_WAY = Way(
    *("imitation", 0.08, 0.4, 1.0, 1.0, (3, 6), 60.0),
    imitator=True,
    chosen=0.8,
    categories=tuple(OTHER_RISKY_CATEGORIES),
    methods=tuple(sorted(OTHER_RISKY_METHODS)),
    kinds=tuple(sorted(OTHER_RISKY_TYPES)),
)
ATTACK = Way(*("attack", 2.5, 0.2, 0.6, 0.6, (1, 2), 30.0), stranger=True, chosen=1.0)


@dataclass(slots=True)
class Session:
    """Payments in a row, by one way from one place; `left` of them are to come."""

    user: User
    way: Way
    left: int
    lat: float
    lon: float
    device: Device
    merchants: list[Merchant]

    def merchant(self, rng: random.Random, people: People) -> Merchant:
        """Draw who is paid."""
        if self.merchants and rng.random() < self.way.chosen:
            return rng.choice(self.merchants)
        return people.merchant()

    def method(self, rng: random.Random) -> str:
        """Draw how it is paid."""
        if self.way.methods:
            return rng.choice(self.way.methods)
        if rng.random() < 0.03:
            return rng.choice(PAYMENT_METHODS)
        return self.user.methods[rng.random() < 0.15]

    def kind(self, rng: random.Random) -> str:
        """Draw the type of transaction."""
        if self.way.kinds:
            return rng.choice(self.way.kinds)
        return rng.choices(TRANSACTION_TYPES, USUAL_KINDS)[0]

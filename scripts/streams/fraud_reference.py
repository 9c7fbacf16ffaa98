"""Payments whose label is drawn first and decides their features; stationary, without memory."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

from flows.projects.fraud import (
    BROWSERS,
    CATEGORIES,
    CURRENCIES,
    OPERATING_SYSTEMS,
    PAYMENT_METHODS,
    TRANSACTION_TYPES,
)
from scripts.streams.controls import Controls
from scripts.streams.stream import (
    Clock,
    Event,
    Stream,
    check_at_least,
    check_probability,
    iso,
    uuid4,
)

FRAUD_CATEGORIES = ("electronics", "luxury_items", "digital_goods", "gambling")
FRAUD_PAYMENT_METHODS = ("crypto", "credit_card")

PLATFORMS = (
    "Windows NT 10.0; Win64; x64",
    "Macintosh; Intel Mac OS X 10_15_7",
    "X11; Linux x86_64",
    "Linux; Android 14; Pixel 8",
    "iPhone; CPU iPhone OS 17_5 like Mac OS X",
)
ENGINES = (
    "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36",
    "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{}.0 Safari/605.1.15",
    "Gecko/20100101 Firefox/{}.0",
)
USER_AGENTS = tuple(
    f"Mozilla/5.0 ({platform}) {engine.format(version)}"
    for platform, engine, version in product(PLATFORMS, ENGINES, range(110, 130))
)


@dataclass(frozen=True, slots=True)
class Options:
    """Probabilities are in [0, 1]; "missing" ones are before the label conditions the features."""

    fraud_probability: float = field(default=0.01, metadata={"help": "share of fraud"})
    account_age_days_limit: int = field(default=5, metadata={"help": "oldest account, in years"})
    merchant_id_limit: int = field(default=200, metadata={"help": "number of merchants"})
    cvv_provided_missing_probability: float = field(
        default=0.05, metadata={"help": "share without a card check number"}
    )
    billing_address_match_missing_probability: float = field(
        default=0.1, metadata={"help": "share whose billing address differs"}
    )
    high_value_fraud_probability: float = field(
        default=0.8, metadata={"help": "share of fraud with a high amount"}
    )

    def __post_init__(self) -> None:
        """Refuse values that no stream can have."""
        for name in self.__slots__:
            if name.endswith("_probability"):
                check_probability(name, getattr(self, name))
        check_at_least("account_age_days_limit", self.account_age_days_limit, 0)
        check_at_least("merchant_id_limit", self.merchant_id_limit, 1)


def generate(rng: random.Random, clock: Clock, options: Options, _: Controls) -> Iterator[Event]:
    """Draw transactions for ever, 0.05 to 0.5 s apart; nothing about them can be changed."""
    while True:
        event = _any_payment(rng, clock, options)
        if rng.random() < options.fraud_probability:
            _make_fraud(event, rng, options)
        else:
            _make_normal(event, rng)
        yield event


def _any_payment(rng: random.Random, clock: Clock, options: Options) -> Event:
    """Draw what every payment has; the amount is left to the label."""
    return {
        "transaction_id": uuid4(rng),
        "user_id": uuid4(rng),
        "timestamp": iso(clock(rng.uniform(0.05, 0.5))),
        "amount": 0.0,
        "currency": rng.choice(CURRENCIES),
        "merchant_id": f"merchant_{rng.randint(1, options.merchant_id_limit)}",
        "product_category": rng.choice(CATEGORIES),
        "transaction_type": rng.choice(TRANSACTION_TYPES),
        "payment_method": rng.choice(PAYMENT_METHODS),
        "location": {
            "lat": round(rng.uniform(-90, 90), 6),
            "lon": round(rng.uniform(-180, 180), 6),
        },
        "ip_address": ".".join(map(str, rng.randbytes(4))),
        "device_info": {"os": rng.choice(OPERATING_SYSTEMS), "browser": rng.choice(BROWSERS)},
        "user_agent": rng.choice(USER_AGENTS),
        "account_age_days": rng.randint(0, 365 * options.account_age_days_limit),
        "cvv_provided": rng.random() >= options.cvv_provided_missing_probability,
        "billing_address_match": rng.random() >= options.billing_address_match_missing_probability,
        "is_fraud": 0,
    }


def _make_fraud(event: Event, rng: random.Random, options: Options) -> None:
    high = rng.random() < options.high_value_fraud_probability
    event["amount"] = round(rng.uniform(300, 6000) if high else rng.uniform(1, 50), 2)
    if rng.random() < 0.4:
        event["cvv_provided"] = False
    if rng.random() < 0.3:
        event["billing_address_match"] = False
    if rng.random() < 0.2:
        event["product_category"] = rng.choice(FRAUD_CATEGORIES)
    if rng.random() < 0.15:
        event["account_age_days"] = rng.randint(0, 30)
    if rng.random() < 0.1:
        event["payment_method"] = rng.choice(FRAUD_PAYMENT_METHODS)
    event["is_fraud"] = 1


def _make_normal(event: Event, rng: random.Random) -> None:
    event["amount"] = round(rng.uniform(5, 500), 2)
    event["cvv_provided"] = event["cvv_provided"] or rng.random() < 0.9
    event["billing_address_match"] = event["billing_address_match"] or rng.random() < 0.8


STREAM = Stream(Options, generate, rate=1 / 0.275)

"""Payments of people who have habits, and of strangers who pay in their name."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flows.projects.fraud import CURRENCIES
from scripts.streams._fraud_causes import (
    BURST_SECONDS,
    FAR_KM,
    YOUNG_DAYS,
    Causes,
    Signs,
    of_amount,
)
from scripts.streams._fraud_people import DAY, Merchant, People
from scripts.streams._fraud_sessions import Sessions
from scripts.streams._fraud_ways import ATTACK, OTHER_WAY, USUAL_WAYS, Session
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

ODD_CURRENCY = 0.02
HOLIDAY_SPENDING = 0.4
ATTACK_LOG_ODDS = 4.0
SHADY = 0.05
FRAUDSTERS = 0.62
"""Sessions of fraudsters for each payment that is to be fraud."""
LARGEST_AMOUNT = 1e6
SCENARIOS = {
    "attack": "Many accounts pay one merchant within a short time, by strangers' devices.",
    "holiday": "People pay more often and more, and travel.",
}


@dataclass(frozen=True, slots=True)
class Options:
    """`fraud_share` is roughly met: causes make fraud likely, not certain."""

    users: int = field(default=3_000, metadata={"help": "number of accounts"})
    merchants: int = field(default=200, metadata={"help": "number of merchants"})
    fraud_share: float = field(default=0.01, metadata={"help": "share of fraud, roughly"})

    def __post_init__(self) -> None:
        """Refuse values that no stream can have."""
        check_at_least("users", self.users, 1)
        check_at_least("merchants", self.merchants, 20)
        check_probability("fraud_share", self.fraud_share)


def generate(
    rng: random.Random, clock: Clock, options: Options, controls: Controls
) -> Iterator[Event]:
    """Draw payments for ever, in sessions that overlap, by day and week as people make them.

    Whether one is fraud is drawn last, by the probability that its causes give it; this and the
    way it came about are its truth.
    """
    now = clock(0.0)
    people = People(rng, options.users, options.merchants, now.timestamp())
    chosen = _choose_merchants(rng, people.merchants)
    causes = Causes(*(frozenset(one.number for one in chosen[way]) for way in _CHOOSY))
    sessions = Sessions(rng, people, controls, FRAUDSTERS * options.fraud_share, chosen)
    while True:
        shift = controls.shift(rng)
        session, gap = sessions.next(now, shift)
        now = clock(gap)
        payment = _Payment(rng, session, people, now, controls.scenario("holiday"))
        attack = ATTACK_LOG_ODDS if session.way is ATTACK else 0.0
        probability = causes.probability(payment.signs(sessions.time), shift, attack)
        session.user.payments.append(sessions.time)
        event = payment.event(int(rng.random() < probability))
        if controls.anomaly_rate and rng.random() < controls.anomaly_rate:
            _distort(event, rng)
        event["_truth"] = {"probability": probability, "cause": session.way.cause, "shift": shift}
        yield event


_CHOOSY = ("shady_merchant", OTHER_WAY.cause)


def _choose_merchants(rng: random.Random, merchants: list[Merchant]) -> dict[str, list[Merchant]]:
    """The merchants that each way goes to: shady ones, or those of risky categories."""
    size = max(1, int(SHADY * len(merchants)))
    rarer = sorted(merchants, key=lambda one: one.popularity)[: 6 * size]
    shady = rng.sample(rarer, 2 * size)
    chosen = dict(zip(_CHOOSY, (shady[:size], shady[size:]), strict=True))
    for way in USUAL_WAYS:
        if way.categories:
            chosen[way.cause] = [one for one in merchants if one.category in way.categories]
    return chosen


class _Payment:
    """One payment of a session."""

    def __init__(
        self, rng: random.Random, session: Session, people: People, now: datetime, holiday: float
    ) -> None:
        way, user = session.way, session.user
        self._rng = rng
        self._session = session
        self._now = now
        self.merchant = session.merchant(rng, people)
        usual = user.level * self.merchant.level * (1 + HOLIDAY_SPENDING * holiday)
        amount = usual * way.factor * rng.lognormvariate(0, way.spread)
        self.amount = round(max(0.5, min(amount, LARGEST_AMOUNT)), 2)
        self.method = session.method(rng)
        self.kind = session.kind(rng)
        self.cvv = rng.random() < way.cvv * user.gives_cvv
        self.match = rng.random() < way.match * user.address_matches
        self.lat = max(-90.0, min(session.lat + rng.gauss(0, 0.05), 90.0))
        self.lon = (session.lon + rng.gauss(0, 0.05) + 180) % 360 - 180
        self.age = max(0, int((now.timestamp() - user.created) / DAY))

    def signs(self, time: float) -> Signs:
        """What one who knows the user sees; `time` in seconds of the stream."""
        user = self._session.user
        high, low = of_amount(self.amount, user, self.merchant)
        agent = self._session.device.user_agent
        return Signs(
            strange=all(agent != known.user_agent for known in user.devices),
            far=min(user.km_from_home(self.lat, self.lon) / FAR_KM, 1.0),
            high=high,
            low=low,
            burst=user.recent_payments(time, BURST_SECONDS),
            no_cvv=not self.cvv,
            no_match=not self.match,
            young=self.age <= YOUNG_DAYS,
            merchant=self.merchant.number,
            category=self.merchant.category,
            method=self.method,
            kind=self.kind,
        )

    def event(self, label: int) -> Event:
        """The payment as it is sent."""
        rng, session = self._rng, self._session
        odd = rng.random() < ODD_CURRENCY
        used = session.device
        return {
            "transaction_id": uuid4(rng),
            "user_id": session.user.id,
            "timestamp": iso(self._now),
            "amount": self.amount,
            "currency": rng.choice(CURRENCIES) if odd else session.user.city.currency,
            "merchant_id": self.merchant.id,
            "product_category": self.merchant.category,
            "transaction_type": self.kind,
            "payment_method": self.method,
            "location": {"lat": round(self.lat, 6), "lon": round(self.lon, 6)},
            "ip_address": f"{used.network}.{rng.randint(0, 255)}.{rng.randint(1, 254)}",
            "device_info": {"os": used.os, "browser": used.browser},
            "user_agent": used.user_agent,
            "account_age_days": self.age,
            "cvv_provided": self.cvv,
            "billing_address_match": self.match,
            "is_fraud": label,
        }


def _distort(event: dict[str, Any], rng: random.Random) -> None:
    """Make an event what no payment is, yet valid; whether it was fraud stays."""
    match rng.randrange(3):
        case 0:
            event["amount"] = round(min(event["amount"] * 1e5, 1e9), 2)
        case 1:
            event["location"] = {"lat": 90.0, "lon": 180.0}
        case _:
            event["account_age_days"] = 100_000


STREAM = Stream(Options, generate, rate=1.0, scenarios=SCENARIOS)

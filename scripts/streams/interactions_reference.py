"""Clicks of visits without a plan: a first page or search, then a walk by fixed chances."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flows.projects.interactions import (
    BROWSERS,
    CATEGORIES,
    DEVICE_TYPES,
    OPERATING_SYSTEMS,
    PRODUCTS,
    REFERRERS,
)
from scripts.streams.controls import Controls
from scripts.streams.stream import Clock, Event, Stream, check_at_least, iso, uuid4
from scripts.streams.visits import WORDS

MOST_ACTIVE = 500
TIMEOUT = timedelta(minutes=15)
CLEANUP_PROBABILITY = 0.01
CONTINUE_PROBABILITY = 0.7
FOCUS_PROBABILITY = 0.4


@dataclass(frozen=True, slots=True)
class Options:
    """How fast the shop is walked through."""

    event_rate_per_minute: float = field(default=600.0, metadata={"help": "ticks a minute"})

    def __post_init__(self) -> None:
        """Refuse a rate at which nothing happens."""
        check_at_least("event_rate_per_minute", self.event_rate_per_minute, 0.001)


@dataclass(slots=True)
class _Session:
    """A visit: who, since when quiet, how far, and which product it is about just now."""

    id: str
    last: datetime
    events: int = 0
    focus: str | None = None


def generate(
    rng: random.Random, clock: Clock, options: Options, _controls: Controls
) -> Iterator[Event]:
    """Draw interactions for ever; a tick on which no session can act makes no event."""
    active: dict[str, _Session] = {}
    mean = 60 / options.event_rate_per_minute
    gap = 0.0
    while True:
        gap += max(mean * 0.01, rng.gauss(mean, 0.3 * mean))
        if not _may_act(rng, active):
            continue
        now, gap = clock(gap), 0.0
        if rng.random() < CLEANUP_PROBABILITY:
            _clean_up(active, now)
        yield _act(rng, _session(rng, active, now), now)


def _may_act(rng: random.Random, active: dict[str, _Session]) -> bool:
    """Choose to go on with a session or to begin one, which needs room."""
    if len(active) < MOST_ACTIVE:
        return True
    return rng.random() < CONTINUE_PROBABILITY


def _session(rng: random.Random, active: dict[str, _Session], now: datetime) -> _Session:
    full = len(active) >= MOST_ACTIVE
    if active and (full or rng.random() < CONTINUE_PROBABILITY):
        return active[rng.choice(list(active))]
    session = _Session(uuid4(rng), now)
    active[session.id] = session
    return session


def _clean_up(active: dict[str, _Session], now: datetime) -> None:
    for session in [one for one in active.values() if now - one.last > TIMEOUT]:
        del active[session.id]


def _act(rng: random.Random, session: _Session, now: datetime) -> Event:
    session.last = now
    session.events += 1
    kind = _kind(rng, session)
    product = None
    if kind != "search":
        product = session.focus or rng.choice(PRODUCTS)
        session.focus = product
    if kind in ("purchase", "leave_review", "search"):
        session.focus = None
    return _event(rng, session, now, kind, product)


def _kind(rng: random.Random, session: _Session) -> str:
    if session.events == 1:
        return "page_view" if rng.random() < 0.8 else "search"
    if session.focus and rng.random() < FOCUS_PROBABILITY:
        kinds = ("add_to_cart", "page_view", "leave_review")
        kind = rng.choices(kinds, weights=(0.6, 0.35, 0.05))[0]
        bought = kind == "add_to_cart" and rng.random() < 0.3
        return "purchase" if bought else kind
    session.focus = None
    return rng.choices(("page_view", "search", "add_to_cart"), weights=(0.6, 0.2, 0.2))[0]


def _event(
    rng: random.Random, session: _Session, now: datetime, kind: str, product: str | None
) -> Event:
    """Draw what the kind does not decide; category and price are drawn anew at every event."""
    category = rng.choice(CATEGORIES) if product else None
    query = None if product else " ".join(rng.choices(WORDS, k=rng.randint(1, 4)))
    bought = kind in ("add_to_cart", "purchase")
    return {
        "event_id": uuid4(rng),
        "customer_id": session.id,
        "session_id": session.id,
        "timestamp": iso(now),
        "event_type": kind,
        "product_id": product,
        "product_category": category,
        "price": round(rng.uniform(5, 2500), 2) if product else None,
        "quantity": rng.randint(1, 4) if bought else None,
        "page_url": page_url(category, product, query),
        "referrer_url": rng.choice(REFERRERS) if session.events == 1 else None,
        "device_info": {
            "device_type": rng.choice(DEVICE_TYPES),
            "browser": rng.choice(BROWSERS),
            "os": rng.choice(OPERATING_SYSTEMS),
        },
        "location": {
            "lat": round(rng.uniform(29.5, 30.1), 3),
            "lon": round(rng.uniform(-95.8, -95.0), 3),
        },
        "time_on_page_seconds": _seconds(rng, kind),
        "search_query": query,
        "session_event_sequence": session.events,
    }


def page_url(category: str | None, product: str | None, query: str | None) -> str:
    """The page of a product in its category, or of a search."""
    if product is None:
        return f"https://example.com/search?q={(query or '').replace(' ', '+')}"
    slug = (category or "all").lower().replace(" & ", "-").replace(" ", "-")
    return f"https://example.com/{slug}/{product}"


def _seconds(rng: random.Random, kind: str) -> int:
    low, high = {"purchase": (30, 180), "search": (5, 60)}.get(kind, (5, 300))
    return rng.randint(low, high)


STREAM = Stream(Options, generate, rate=7.0)

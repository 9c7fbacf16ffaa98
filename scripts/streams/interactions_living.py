"""Visits of customers who return, each with a habit of shopping that shows only in what they do.

`_truth` names the habit behind an event as `persona`; nothing in the event does.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from scripts.streams.controls import Controls
from scripts.streams.interactions_reference import page_url
from scripts.streams.personas import (
    DRIFTED,
    DRIFTED_SHARES,
    PERSONAS,
    SHARES,
    Persona,
    any_persona,
    between,
)
from scripts.streams.shop import Catalogue, Product, busyness
from scripts.streams.stream import (
    Clock,
    Event,
    Stream,
    check_at_least,
    check_probability,
    iso,
    uuid4,
)
from scripts.streams.visits import (
    Customer,
    Visit,
    begin,
    customer,
    goes_on,
    pieces,
    query,
    seconds,
    step,
)

EVENTS_PER_VISIT = 12.3
GIFTS = ("Toys & Games", "Books", "Electronics", "Beauty & Personal Care", "Fashion & Apparel")


@dataclass(frozen=True, slots=True)
class Options:
    """How large the shop is, and how true its customers are to their habits."""

    events_per_second: float = field(default=3.0, metadata={"help": "average over a week"})
    customers: int = field(default=3000, metadata={"help": "how many customers return"})
    new_customer_probability: float = field(
        default=0.1, metadata={"help": "share of visits by somebody new"}
    )
    habit_probability: float = field(
        default=0.9, metadata={"help": "share of visits in the customer's own habit"}
    )

    def __post_init__(self) -> None:
        """Refuse values that no shop can have."""
        check_at_least("events_per_second", self.events_per_second, 0.001)
        check_at_least("customers", self.customers, 1)
        check_probability("new_customer_probability", self.new_customer_probability)
        check_probability("habit_probability", self.habit_probability)


class Crowd:
    """Everybody in the shop. `shift`, `sale` and `holiday`, from 0 to 1, say what is unusual."""

    def __init__(self, rng: random.Random, options: Options) -> None:
        self.shift = self.sale = self.holiday = 0.0
        self.catalogue = Catalogue(rng)
        self._rng = rng
        self._options = options
        self._customers = [
            customer(rng, any_persona(rng, SHARES)) for _ in range(options.customers)
        ]

    def arrivals(self, now: datetime) -> float:
        """How many visits begin in a second."""
        usual = self._options.events_per_second / EVENTS_PER_VISIT
        return usual * busyness(now) * (1 + 1.5 * self.sale) * (1 + 0.6 * self.holiday)

    def visit(self) -> Visit:
        """Let somebody come in, mostly in their own habit."""
        rng = self._rng
        who = self._who()
        own = rng.random() < self._options.habit_probability
        persona = who.persona if own else any_persona(rng, self._shares())
        return begin(rng, who, persona, self._habit(persona))

    def price(self, product: Product) -> float:
        """What it costs now."""
        return round(product.price * (1 - 0.5 * self.sale), 2)

    def _who(self) -> Customer:
        rng = self._rng
        if rng.random() < self._options.new_customer_probability:
            newcomer = customer(rng, any_persona(rng, self._shares()))
            self._customers[rng.randrange(len(self._customers))] = newcomer
            return newcomer
        odds = {name: share / SHARES[name] for name, share in self._shares().items()}
        most = max(odds.values())
        while True:
            returning = rng.choice(self._customers)
            if rng.random() * most <= odds[returning.persona]:
                return returning

    def _shares(self) -> dict[str, float]:
        shift = self.shift
        shares = {
            name: (1 - shift) * share + shift * DRIFTED_SHARES[name]
            for name, share in SHARES.items()
        }
        shares["bargain_hunter"] *= 1 + 2 * self.sale
        shares["impulse_buyer"] *= 1 + self.sale + self.holiday
        shares["researcher"] *= 1 + self.holiday
        return shares

    def _habit(self, persona: str) -> Persona:
        habit = between(PERSONAS[persona], DRIFTED[persona], self.shift)
        if not self.sale and not self.holiday:
            return habit
        return replace(
            habit,
            seconds=habit.seconds * (1 - 0.3 * self.sale),
            buys=habit.buys + (1 - habit.buys) * 0.5 * max(self.sale, self.holiday),
            quantity=habit.quantity * (1 + 0.5 * self.holiday),
            categories=(*habit.categories, *GIFTS) if self.holiday > 0.5 else habit.categories,
        )


class Agenda:
    """What happens when, in seconds since the beginning; None stands for the next arrival."""

    def __init__(self) -> None:
        self._entries: list[tuple[float, int, Visit | None]] = [(0.0, 0, None)]
        self._added = 0

    def first_step(self, rng: random.Random, crowd: Crowd, now: datetime) -> tuple[float, Visit]:
        """Take off the first step of a visit, after letting in whoever comes before it."""
        while True:
            time, _, visit = heapq.heappop(self._entries)
            if visit is not None:
                return time, visit
            self.add(time + rng.expovariate(crowd.arrivals(now)), None)
            self.add(time + rng.random(), crowd.visit())

    def add(self, time: float, visit: Visit | None) -> None:
        """Enter something; what is entered first happens first at the same time."""
        self._added += 1
        heapq.heappush(self._entries, (time, self._added, visit))


def generate(
    rng: random.Random, clock: Clock, options: Options, controls: Controls
) -> Iterator[Event]:
    """Draw interactions for ever, of visits that take place side by side."""
    crowd, agenda = Crowd(rng, options), Agenda()
    now = clock(0.0)
    time, visit = agenda.first_step(rng, crowd, now)
    while True:
        odd = _attend(rng, crowd, controls)
        event = _event(rng, crowd, visit)
        if goes_on(rng, visit):
            agenda.add(time + event["time_on_page_seconds"] + rng.random(), visit)
        if odd:
            _make_odd(rng, event)
        next_time, visit = agenda.first_step(rng, crowd, now)
        now = clock(next_time - time)
        event["timestamp"] = iso(now)
        time = next_time
        yield event


def _attend(rng: random.Random, crowd: Crowd, controls: Controls) -> bool:
    """Let the crowd feel what is going on; returns whether this event is to be an odd one."""
    crowd.shift = controls.shift(rng)
    crowd.sale = controls.scenario("flash_sale")
    crowd.holiday = controls.scenario("holiday")
    return rng.random() < controls.anomaly_rate


def _event(rng: random.Random, crowd: Crowd, visit: Visit) -> Event:
    kind, product = step(rng, visit, crowd.catalogue)
    words = None if product else query(rng, visit)
    category = product.category if product else None
    device, browser, system = visit.device
    who = visit.customer
    return {
        "event_id": uuid4(rng),
        "customer_id": who.id,
        "session_id": visit.id,
        "timestamp": "",
        "event_type": kind,
        "product_id": product.id if product else None,
        "product_category": category,
        "price": crowd.price(product) if product else None,
        "quantity": pieces(rng, visit) if kind in ("add_to_cart", "purchase") else None,
        "page_url": page_url(category, product.id if product else None, words),
        "referrer_url": visit.referrer if visit.done == 1 else None,
        "device_info": {"device_type": device, "browser": browser, "os": system},
        "location": {"lat": who.lat, "lon": who.lon},
        "time_on_page_seconds": seconds(rng, visit, kind),
        "search_query": words,
        "session_event_sequence": visit.done,
        "_truth": {"persona": visit.persona, "anomaly": False},
    }


def _make_odd(rng: random.Random, event: Event) -> None:
    """Make it what no visitor does, though it is a valid event."""
    event["time_on_page_seconds"] = rng.choice((0, 86_400))
    if event["price"] is not None:
        event["price"] = round(event["price"] * rng.choice((0.01, 100)), 2)
    if event["quantity"] is not None:
        event["quantity"] = rng.randint(100, 1000)
    event["_truth"]["anomaly"] = True


STREAM = Stream(
    Options,
    generate,
    rate=3.0,
    scenarios={
        "flash_sale": "half the price: a crowd of bargain hunters and impulse buyers",
        "holiday": "gifts are bought: more visits, larger orders, more categories",
    },
)

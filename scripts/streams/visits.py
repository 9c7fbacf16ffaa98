"""Customers of a shop and what they do on a visit, step by step."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from math import log

from flows.projects.interactions import CATEGORIES
from scripts.streams.personas import PERSONAS, Persona
from scripts.streams.shop import Catalogue, Product
from scripts.streams.stream import uuid4

MOBILES = (
    *(("Mobile", "Safari", "iOS"), ("Mobile", "Chrome", "Android"), ("Mobile", "Chrome", "iOS")),
    *(("Mobile", "Opera", "Android"), ("Tablet", "Safari", "iOS"), ("Tablet", "Chrome", "Android")),
)
DESKTOPS = (
    *(("Desktop", "Chrome", "Windows"), ("Desktop", "Edge", "Windows")),
    *(("Desktop", "Safari", "macOS"), ("Desktop", "Chrome", "macOS")),
    *(("Desktop", "Firefox", "Windows"), ("Desktop", "Firefox", "Linux")),
    ("Desktop", "Other", "Other"),
)
LONGEST_VISIT = 60
LONGEST_PAGE = 1_500
WORDS = (
    *("red", "blue", "small", "large", "light", "cheap", "new", "best", "classic", "wireless"),
    *("shoes", "lamp", "phone", "chair", "novel", "coffee", "tyre", "puzzle", "laptop", "leash"),
    *("cream", "jacket", "garden", "travel", "kitchen", "running", "office", "gift", "set", "case"),
)


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who comes back: with a habit, a home, two devices and a pace of their own."""

    id: str
    persona: str
    lat: float
    lon: float
    mobile: tuple[str, str, str]
    desktop: tuple[str, str, str]
    pace: float
    favourite: str


@dataclass(slots=True)
class Visit:
    """A visit under way; `left` counts the steps to come before it is paid or left."""

    id: str
    customer: Customer
    persona: str
    habit: Persona
    device: tuple[str, str, str]
    referrer: str
    category: str
    pace: float
    left: int
    done: int = 0
    paying: bool = False
    cart: list[Product] = field(default_factory=list)
    seen: list[Product] = field(default_factory=list)


def customer(rng: random.Random, persona: str) -> Customer:
    """Make somebody new."""
    return Customer(
        id=uuid4(rng),
        persona=persona,
        lat=round(rng.uniform(29.5, 30.1), 3),
        lon=round(rng.uniform(-95.8, -95.0), 3),
        mobile=rng.choice(MOBILES),
        desktop=rng.choice(DESKTOPS),
        pace=rng.lognormvariate(0, 0.15),
        favourite=rng.choice(PERSONAS[persona].categories),
    )


def begin(rng: random.Random, who: Customer, persona: str, habit: Persona) -> Visit:
    """Let a customer come in, in the mood of a persona that need not be their own."""
    at_favourite = persona == who.persona and rng.random() < 0.6
    return Visit(
        id=uuid4(rng),
        customer=who,
        persona=persona,
        habit=habit,
        device=who.mobile if rng.random() < habit.mobile else who.desktop,
        referrer=rng.choice(habit.referrers) if rng.random() < 0.75 else "direct",
        category=who.favourite if at_favourite else rng.choice(habit.categories),
        pace=who.pace * rng.lognormvariate(0, 0.2),
        left=min(habit.shortest + int(rng.expovariate(1 / habit.steps)), LONGEST_VISIT),
    )


def step(rng: random.Random, visit: Visit, catalogue: Catalogue) -> tuple[str, Product | None]:
    """Take a visit one step on: what is done now, and with which product."""
    visit.done += 1
    visit.left -= 1
    kind = "purchase" if visit.paying else _kind(rng, visit)
    product = None if kind == "search" else _product(rng, visit, kind, catalogue)
    if product and kind == "add_to_cart":
        visit.cart.append(product)
    if product and product not in visit.seen:
        visit.seen.append(product)
    return kind, product


def goes_on(rng: random.Random, visit: Visit) -> bool:
    """Is there another step? A full cart may be paid at the end, or left behind."""
    if visit.left > 0:
        return True
    if not visit.paying and visit.cart:
        visit.paying = rng.random() < visit.habit.buys
    return visit.paying and bool(visit.cart)


def seconds(rng: random.Random, visit: Visit, kind: str) -> int:
    """Time on the page: longer to write and to pay, shorter on a list of results."""
    usual = visit.habit.seconds * visit.pace
    usual *= {"search": 0.5, "leave_review": 1.5, "purchase": 1.4}.get(kind, 1.0)
    return max(1, min(round(rng.lognormvariate(log(usual), 0.55)), LONGEST_PAGE))


def query(rng: random.Random, visit: Visit) -> str:
    """Draw words to search for."""
    words = max(1, round(rng.gauss(visit.habit.words, 0.8)))
    return " ".join(rng.choices(WORDS, k=words))


def pieces(rng: random.Random, visit: Visit) -> int:
    """Draw how many go into the cart."""
    return max(1, round(rng.gauss(visit.habit.quantity, 0.8)))


def _kind(rng: random.Random, visit: Visit) -> str:
    habit, drawn = visit.habit, rng.random()
    if drawn < habit.search:
        return "search"
    if not visit.seen:
        return "page_view"
    drawn -= habit.search
    if drawn < habit.cart:
        return "add_to_cart"
    return "leave_review" if drawn < habit.cart + habit.review else "page_view"


def _product(rng: random.Random, visit: Visit, kind: str, catalogue: Catalogue) -> Product:
    habit = visit.habit
    if kind == "purchase":
        return visit.cart.pop()
    if kind == "leave_review" or (kind == "add_to_cart" and rng.random() < 0.6):
        return visit.seen[-1]
    if visit.seen and rng.random() < habit.revisit:
        return rng.choice(visit.seen)
    if rng.random() < habit.roams:
        visit.category = rng.choice(habit.categories if rng.random() < 0.85 else CATEGORIES)
    return catalogue.pick(rng, visit.category, habit.dearness)

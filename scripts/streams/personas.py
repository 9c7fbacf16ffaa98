"""How kinds of visitors behave. They overlap: no single step of a visit gives one away."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

HOME = ("Home & Garden", "Toys & Games", "Sports & Outdoors", "Fashion & Apparel")
STAPLES = ("Grocery & Gourmet Food", "Pet Supplies", "Health & Household", "Beauty & Personal Care")
TECHNIC = ("Electronics", "Computers", "Automotive", "Sports & Outdoors")
SOCIAL = ("instagram.com", "facebook.com", "tiktok.com", "pinterest.com", "youtube.com")
SEARCH = ("google.com", "bing.com", "yahoo.com", "reddit.com")
OFFERS = ("affiliate_link", "email_campaign", "google.com")


@dataclass(frozen=True, slots=True)
class Persona:
    """What a kind of visitor tends to do.

    `steps`: mean number of steps beyond the shortest visit. `search`, `revisit`, `cart`, `review`:
    chances of a step to be one, else it is a look at another product. `buys`: chance that a visit
    with something in the cart ends with its purchase. `seconds`: median time on a page. `roams`:
    chance to change the category. `dearness`: preferred rank of price within the category.
    """

    shortest: int
    steps: float
    search: float
    revisit: float
    cart: float
    review: float
    buys: float
    seconds: float
    roams: float
    dearness: float
    words: float
    quantity: float
    categories: tuple[str, ...]
    referrers: tuple[str, ...]
    mobile: float


PERSONAS: Mapping[str, Persona] = {
    "window_shopper": Persona(
        shortest=6,
        steps=9,
        search=0.04,
        revisit=0.05,
        cart=0.01,
        review=0.0,
        buys=0.1,
        seconds=14,
        roams=0.6,
        dearness=0.6,
        words=1.5,
        quantity=1.0,
        categories=HOME,
        referrers=SOCIAL,
        mobile=0.75,
    ),
    "researcher": Persona(
        shortest=6,
        steps=7,
        search=0.28,
        revisit=0.4,
        cart=0.03,
        review=0.0,
        buys=0.3,
        seconds=120,
        roams=0.04,
        dearness=0.65,
        words=3.6,
        quantity=1.0,
        categories=TECHNIC,
        referrers=SEARCH,
        mobile=0.2,
    ),
    "bargain_hunter": Persona(
        shortest=7,
        steps=9,
        search=0.36,
        revisit=0.08,
        cart=0.22,
        review=0.0,
        buys=0.25,
        seconds=32,
        roams=0.45,
        dearness=0.12,
        words=2.2,
        quantity=1.3,
        categories=(*HOME, *STAPLES, *TECHNIC),
        referrers=OFFERS,
        mobile=0.5,
    ),
    "impulse_buyer": Persona(
        shortest=3,
        steps=1.6,
        search=0.03,
        revisit=0.05,
        cart=0.6,
        review=0.0,
        buys=0.9,
        seconds=22,
        roams=0.15,
        dearness=0.6,
        words=1.5,
        quantity=1.0,
        categories=(*HOME, "Beauty & Personal Care", "Electronics"),
        referrers=SOCIAL,
        mobile=0.85,
    ),
    "loyal_repurchaser": Persona(
        shortest=7,
        steps=5,
        search=0.06,
        revisit=0.03,
        cart=0.55,
        review=0.01,
        buys=0.97,
        seconds=16,
        roams=0.35,
        dearness=0.4,
        words=1.4,
        quantity=2.8,
        categories=STAPLES,
        referrers=("direct", "direct", "email_campaign"),
        mobile=0.5,
    ),
    "reviewer": Persona(
        shortest=4,
        steps=3,
        search=0.05,
        revisit=0.15,
        cart=0.02,
        review=0.45,
        buys=0.2,
        seconds=85,
        roams=0.3,
        dearness=0.5,
        words=2.0,
        quantity=1.0,
        categories=(*HOME, *STAPLES, "Books", "Electronics"),
        referrers=("direct", "email_campaign", "google.com"),
        mobile=0.35,
    ),
}

SHARES: Mapping[str, float] = {
    "window_shopper": 0.24,
    "researcher": 0.18,
    "bargain_hunter": 0.16,
    "impulse_buyer": 0.17,
    "loyal_repurchaser": 0.15,
    "reviewer": 0.10,
}
"""How many of the visits each kind makes."""

DRIFTED: Mapping[str, Persona] = {
    **PERSONAS,
    "window_shopper": replace(
        PERSONAS["window_shopper"], seconds=34, roams=0.25, search=0.14, revisit=0.15
    ),
    "researcher": replace(PERSONAS["researcher"], seconds=60, cart=0.15, buys=0.6, words=2.6),
    "bargain_hunter": replace(PERSONAS["bargain_hunter"], search=0.15, cart=0.38, seconds=20),
    "impulse_buyer": replace(PERSONAS["impulse_buyer"], seconds=45, steps=3.0, dearness=0.8),
}
DRIFTED_SHARES: Mapping[str, float] = {
    "window_shopper": 0.12,
    "researcher": 0.12,
    "bargain_hunter": 0.30,
    "impulse_buyer": 0.26,
    "loyal_repurchaser": 0.10,
    "reviewer": 0.10,
}


def between(usual: Persona, other: Persona, shift: float) -> Persona:
    """Behaviour that has gone the part `shift`, from 0 to 1, of the way to the other."""
    if not shift or usual is other:
        return usual
    moved = {
        name: (1 - shift) * getattr(usual, name) + shift * getattr(other, name)
        for name in Persona.__slots__
        if isinstance(getattr(usual, name), float | int) and name != "shortest"
    }
    return replace(usual, **moved)


def any_persona(rng: random.Random, weights: Mapping[str, float]) -> str:
    """Draw a kind of visitor by its share."""
    return rng.choices(tuple(weights), weights=tuple(weights.values()))[0]

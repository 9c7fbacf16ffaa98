"""What a visit has been so far, from its first event to the newest."""

from __future__ import annotations

from collections import OrderedDict
from math import exp, expm1, log, log1p
from sys import intern
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from flows.projects.interactions import Interaction

TIMEOUT_SECONDS = 30 * 60.0
MOST_VISITS = 4_000
MOST_KEPT = 64
CHEAPEST = 0.01

SEARCH_ENGINES = ("google.com", "bing.com", "yahoo.com")
CAMPAIGNS = ("email_campaign", "affiliate_link")


class Visit(msgspec.Struct, frozen=True, gc=False):
    """Sums over the events of a visit. `last`: seconds since 1970.

    Logarithms are summed of times and prices, whose means are then geometric: one page left open
    over lunch, or one dear product, does not speak for the whole visit.
    """

    last: float
    source: str
    events: int = 0
    views: int = 0
    searches: int = 0
    carts: int = 0
    purchases: int = 0
    reviews: int = 0
    log_seconds: float = 0.0
    log_prices: float = 0.0
    priced: int = 0
    pieces: int = 0
    words: int = 0
    categories: frozenset[str] = frozenset()

    def after(self, event: Interaction) -> Visit:
        """The visit with one more event."""
        kind = event.event_type
        price = event.price
        return Visit(
            max(self.last, event.timestamp.timestamp()),
            self.source,
            self.events + 1,
            self.views + (kind == "page_view"),
            self.searches + (kind == "search"),
            self.carts + (kind == "add_to_cart"),
            self.purchases + (kind == "purchase"),
            self.reviews + (kind == "leave_review"),
            self.log_seconds + log1p(event.time_on_page_seconds),
            self.log_prices + (log(max(price, CHEAPEST)) if price is not None else 0.0),
            self.priced + (price is not None),
            self.pieces + (event.quantity or 0),
            self.words + (len(event.search_query.split()) if event.search_query else 0),
            _with(self.categories, event.product_category),
        )

    def features(self) -> dict[str, Any]:
        """Counts, shares of the events, and means; None where there is nothing to average."""
        events, ordered = self.events, self.carts + self.purchases
        return {
            "events": events,
            "view_share": self.views / events,
            "search_share": self.searches / events,
            "cart_share": self.carts / events,
            "purchase_share": self.purchases / events,
            "review_share": self.reviews / events,
            "seconds_per_page": expm1(self.log_seconds / events),
            "categories": len(self.categories),
            "price": exp(self.log_prices / self.priced) if self.priced else None,
            "pieces_per_order": self.pieces / ordered if ordered else None,
            "words_per_search": self.words / self.searches if self.searches else None,
            "source": self.source,
        }


class Sessions:
    """The visits under way, the least recent forgotten first; one that pauses long begins anew."""

    def __init__(self, most: int = MOST_VISITS) -> None:
        self._most = most
        self._visits: OrderedDict[str, Visit] = OrderedDict()
        self._recalled: tuple[Interaction, Visit] | None = None

    def recall(self, event: Interaction) -> dict[str, Any]:
        """The features of the event's visit, this event included."""
        visit = self._visit(event).after(event)
        self._recalled = event, visit
        return {"session": event.session_id, **visit.features()}

    def note(self, event: Interaction) -> None:
        """Take the event in, and let go of visits that are over."""
        visits, key, recalled = self._visits, event.session_id, self._recalled
        self._recalled = None
        if recalled is not None and recalled[0] is event:
            visit = recalled[1]
        else:
            visit = self._visit(event).after(event)
        visits[key] = visit
        visits.move_to_end(key)
        over = visit.last - TIMEOUT_SECONDS
        while len(visits) > self._most or next(iter(visits.values())).last < over:
            visits.popitem(last=False)

    def __getstate__(self) -> dict[str, Any]:
        """What was recalled last only spares doing it again when it is noted."""
        return {**self.__dict__, "_recalled": None}

    def _visit(self, event: Interaction) -> Visit:
        visit = self._visits.get(event.session_id)
        time = event.timestamp.timestamp()
        if visit is None or time - visit.last > TIMEOUT_SECONDS:
            return Visit(time, _source(event.referrer_url))
        return visit


def _with(known: frozenset[str], name: str | None) -> frozenset[str]:
    if name is None or name in known or len(known) >= MOST_KEPT:
        return known
    return known | {intern(name)}


def _source(referrer: str | None) -> str:
    """What kind of place a visit came from."""
    if referrer is None:
        return "unknown"
    if referrer in SEARCH_ENGINES:
        return "search engine"
    if referrer in CAMPAIGNS:
        return "campaign"
    return "direct" if referrer == "direct" else "other site"

"""E-Commerce Customer Interactions: what kind of visit is this one?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from flows.learning.models.sequential_k_means import SequentialKMeans
from flows.learning.models.stable_clusters import StableClusters
from flows.learning.tasks.clustering import Clustering
from flows.projects._sessions import Sessions
from flows.projects.forms import about
from flows.projects.spec import Features, Project, Query

EVENT_TYPES = ("page_view", "add_to_cart", "purchase", "search", "leave_review")
CATEGORIES = (
    "Electronics",
    "Fashion & Apparel",
    "Home & Garden",
    "Beauty & Personal Care",
    "Sports & Outdoors",
    "Books",
    "Grocery & Gourmet Food",
    "Automotive",
    "Toys & Games",
    "Computers",
    "Pet Supplies",
    "Health & Household",
)
PRODUCTS = tuple(f"prod_{number}" for number in range(1000, 1101))
REFERRERS = (
    "direct",
    "google.com",
    "facebook.com",
    "amazon.com",
    "instagram.com",
    "twitter.com",
    "youtube.com",
    "tiktok.com",
    "pinterest.com",
    "reddit.com",
    "linkedin.com",
    "bing.com",
    "yahoo.com",
    "email_campaign",
    "affiliate_link",
)
DEVICE_TYPES = ("Mobile", "Desktop", "Tablet")
BROWSERS = ("Chrome", "Safari", "Firefox", "Edge", "Opera", "Other")
OPERATING_SYSTEMS = ("iOS", "Android", "Windows", "macOS", "Linux", "Other")
PAGES = tuple(f"https://shop.example.com/products/{name}" for name in PRODUCTS[:5])

Id = Annotated[str, about("Identifies it among all others", generated=True, min_length=1)]


class Location(msgspec.Struct, frozen=True, gc=False):
    """Where the visitor is."""

    lat: Annotated[
        float, about("Latitude of the visitor", unit="°", typical=(29.5, 30.1), ge=-90, le=90)
    ]
    lon: Annotated[
        float, about("Longitude of the visitor", unit="°", typical=(-95.8, -95.0), ge=-180, le=180)
    ]


class DeviceInfo(msgspec.Struct, frozen=True, gc=False):
    """What the visitor looks at the shop with."""

    device_type: Annotated[str, about("Kind of device", choices=DEVICE_TYPES)]
    browser: Annotated[str, about("Browser on the device", choices=BROWSERS)]
    os: Annotated[str, about("Operating system of the device", choices=OPERATING_SYSTEMS)]


class Interaction(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One step of a visit; what does not apply to its kind is None, as a product to a search."""

    event_id: Id
    customer_id: Id
    session_id: Id
    timestamp: Annotated[datetime, about("When it happened", tz=True)]
    event_type: Annotated[str, about("What the visitor did", choices=EVENT_TYPES)]
    product_id: Annotated[str, about("Product it is about", choices=PRODUCTS)] | None = None
    product_category: (
        Annotated[str, about("Category of the product", choices=CATEGORIES)] | None
    ) = None
    price: (
        Annotated[float, about("Price of the product", unit="$", typical=(5, 2500), ge=0, le=1e9)]
        | None
    ) = None
    quantity: (
        Annotated[
            int,
            about("How many, in the cart or bought", unit="pieces", typical=(1, 4), ge=0, le=10**9),
        ]
        | None
    ) = None
    page_url: Annotated[str, about("Page it happened on", samples=PAGES)]
    referrer_url: (
        Annotated[str, about("Where the visit came from; first event only", choices=REFERRERS)]
        | None
    ) = None
    device_info: DeviceInfo
    location: Location
    time_on_page_seconds: Annotated[
        int, about("Time spent on the page", unit="s", typical=(5, 300), ge=0, le=10**9)
    ]
    search_query: Annotated[str, about("What was searched for; searches only")] | None = None
    session_event_sequence: Annotated[
        int, about("Which event of the visit this is", typical=(1, 20), ge=1, le=10**9)
    ]


LOGARITHMS = (
    *("events", "categories", "pieces_per_order", "words_per_search", "seconds_per_page"),
    "price",
)
SHARES = ("view_share", "search_share", "cart_share", "purchase_share", "review_share")
WORDS = {
    "events": ("short visits", "long visits"),
    "search_share": ("hardly any search", "search"),
    "cart_share": ("nothing in the cart", "full carts"),
    "purchase_share": ("no purchase", "purchases"),
    "review_share": ("no reviews", "reviews"),
    "seconds_per_page": ("quick looks", "long looks"),
    "categories": ("one category", "many categories"),
    "price": ("low prices", "high prices"),
    "pieces_per_order": ("single pieces", "several pieces"),
}

UNWATCHED = frozenset({"session", "pieces_per_order", "words_per_search"})
"""A key that is always new, and means of what too few visits have to tell drift from chance."""


def features(event: Interaction) -> Features:
    """What the event itself tells of the visit; the rest comes from the visit's past."""
    return {"device_type": event.device_info.device_type, "os": event.device_info.os}


def model() -> StableClusters:
    """Make an untrained model."""
    return StableClusters(key="session", logarithms=LOGARITHMS, shares=SHARES, words=WORDS)


def baseline() -> SequentialKMeans:
    """Make the model that is to be beaten: four clusters, in the same measure."""
    return SequentialKMeans(n_clusters=4, logarithms=LOGARITHMS, shares=SHARES)


PROJECT = Project(
    slug="interactions",
    title="E-Commerce Customer Interactions",
    summary="What kind of visit is this one?",
    topic="e_commerce_customer_interactions",
    task=Clustering(),
    event=Interaction,
    event_id="event_id",
    entity="session_id",
    label=None,
    features=features,
    past=Sessions,
    model=model,
    challengers={"baseline": baseline},
    score="Silhouette",
    seasonal_inputs=UNWATCHED,
    queries=(
        Query(
            "Newest interactions", "SELECT * FROM interactions ORDER BY timestamp DESC LIMIT 100"
        ),
        Query(
            "Visits by cluster",
            "SELECT prediction_name, count(DISTINCT session_id) AS visits,\n"
            "  round(avg(prediction_distance), 2) AS mean_distance\n"
            "FROM interactions GROUP BY prediction_name ORDER BY visits DESC",
        ),
        Query(
            "Kinds of events",
            "SELECT event_type, count(*) AS events,\n"
            "  round(avg(time_on_page_seconds), 1) AS mean_seconds\n"
            "FROM interactions GROUP BY event_type ORDER BY events DESC",
        ),
        Query(
            "Best-selling products",
            "SELECT product_id, product_category, sum(quantity) AS pieces,\n"
            "  round(sum(quantity * price), 2) AS turnover\n"
            "FROM interactions WHERE event_type = 'purchase'\n"
            "GROUP BY product_id, product_category ORDER BY turnover DESC LIMIT 20",
        ),
        Query(
            "From looking to buying, by category",
            "SELECT product_category, count(*) AS events,\n"
            "  sum(CASE WHEN event_type = 'add_to_cart' THEN 1 ELSE 0 END) AS carts,\n"
            "  sum(CASE WHEN event_type = 'purchase' THEN 1 ELSE 0 END) AS purchases\n"
            "FROM interactions WHERE product_category IS NOT NULL\n"
            "GROUP BY product_category ORDER BY purchases DESC",
        ),
        Query(
            "Where visits come from",
            "SELECT referrer_url, count(*) AS visits FROM interactions\n"
            "WHERE referrer_url IS NOT NULL GROUP BY referrer_url ORDER BY visits DESC",
        ),
        Query("Number of interactions", "SELECT count(*) AS interactions FROM interactions"),
    ),
)

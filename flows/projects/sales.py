"""Sales Forecasting: how many of each product will each store sell in the week to come?"""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import Annotated

import msgspec

from flows.learning.models.demand_forecaster import DemandForecaster
from flows.learning.models.seasonal_naive import SeasonalNaive
from flows.learning.tasks.forecasting import Forecasting
from flows.projects.forms import about
from flows.projects.spec import Features, Project, Query

PRODUCTS = tuple(f"SKU_{number:05d}" for number in range(1, 21))
STORES = tuple(f"STORE_{number:03d}" for number in range(1, 6))
LAST_DAY = date.max.toordinal()
LARGEST_COUNT = 1_000_000_000

Id = Annotated[str, about("Identifies it among all others", generated=True, min_length=1)]
Quantity = Annotated[
    int,
    about("Label: how many were sold", unit="units", typical=(0, 100), ge=0, le=LARGEST_COUNT),
]
Amount = Annotated[float, about("What they were sold for", unit="currency units", ge=0, le=1e15)]


class Sale(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a store sold of a product on one day; `quantity_sold` is None until somebody knows."""

    event_id: Id
    timestamp: Annotated[datetime, about("When the day's sales were closed", tz=True)]
    product_id: Annotated[str, about("What is sold", choices=PRODUCTS, min_length=1)]
    store_id: Annotated[str, about("Where it is sold", choices=STORES, min_length=1)]
    quantity_sold: Quantity | None = None
    unit_price: Annotated[
        float,
        about(
            "Price of one, after discount", unit="currency units", typical=(5, 200), ge=0, le=1e9
        ),
    ]
    total_sales_amount: Amount | None = None
    is_promotion_active: Annotated[bool, about("Is it promoted that day?", likely=0.2)]
    promotion_id: Annotated[str, about("Campaign that it is promoted by")] | None = None
    day_of_week: Annotated[int, about("Day of the week, 0 is Monday", clock="weekday", ge=0, le=6)]
    month: Annotated[int, about("Month of the year", clock="month", ge=1, le=12)]
    is_holiday: Annotated[bool, about("Is it a holiday?", likely=0.03)]
    concept_drift_stage: Annotated[
        int, about("Which of its own changes the generator is in", ge=0, le=LARGEST_COUNT)
    ] = 0


@lru_cache(maxsize=4096)
def is_holiday(day: int) -> bool:
    """Tell from the calendar, known ahead: 15 to 25 December, 1 January, 1 to 7 July.

    `day` is a date's ordinal: days since the year 1, as `date.toordinal` counts them.
    """
    at = date.fromordinal(min(day, LAST_DAY))
    return (
        (at.month == 12 and 15 <= at.day <= 25)
        or (at.month == 1 and at.day == 1)
        or (at.month == 7 and at.day <= 7)
    )


def series(event: Sale) -> str:
    """Name the series of an event: its product in its store."""
    return f"{event.product_id}/{event.store_id}"


def features(event: Sale) -> Features:
    """What the model sees of a day's sales: all but how many, and what follows from how many.

    Weekday and month are read off the timestamp, in the zone that it carries.
    """
    return {
        "series": series(event),
        "product": event.product_id,
        "store": event.store_id,
        "day": event.timestamp.toordinal(),
        "price": event.unit_price,
        "promotion": event.is_promotion_active,
        "campaign": event.promotion_id,
        "holiday": event.is_holiday,
    }


def model() -> DemandForecaster:
    """Make an untrained model."""
    return DemandForecaster(calendar=is_holiday)


def baseline() -> SeasonalNaive:
    """Make an untrained forecaster of last week's sales."""
    return SeasonalNaive()


PROJECT = Project(
    slug="sales",
    title="Sales Forecasting",
    summary="How many of each product will each store sell in the week to come?",
    topic="sales_forecasting",
    task=Forecasting(),
    event=Sale,
    event_id="event_id",
    entity=("product_id", "store_id"),
    label="quantity_sold",
    features=features,
    model=model,
    challengers={"baseline": baseline},
    score="MASE",
    forbidden_inputs=frozenset({"concept_drift_stage", "total_sales_amount"}),
    seasonal_inputs=frozenset({"campaign", "day", "holiday", "price", "promotion"}),
    queries=(
        Query("Newest sales", "SELECT * FROM sales ORDER BY timestamp DESC LIMIT 100"),
        Query(
            "Revenue by product",
            "SELECT product_id, sum(quantity_sold) AS units,\n"
            "  round(sum(quantity_sold * unit_price), 2) AS revenue\n"
            "FROM sales GROUP BY product_id ORDER BY revenue DESC",
        ),
        Query(
            "Promotion and price",
            "SELECT product_id, is_promotion_active, count(*) AS days,\n"
            "  round(avg(unit_price), 2) AS price, round(avg(quantity_sold), 1) AS units\n"
            "FROM sales GROUP BY product_id, is_promotion_active\n"
            "ORDER BY product_id, is_promotion_active",
        ),
        Query(
            "Sales by day of the week",
            "SELECT store_id, dayofweek(timestamp) AS weekday,\n"
            "  round(avg(quantity_sold), 1) AS units\n"
            "FROM sales GROUP BY store_id, weekday ORDER BY store_id, weekday",
        ),
        Query(
            "Largest misses a day ahead",
            "SELECT timestamp, product_id, store_id, quantity_sold,\n"
            "  round(prediction_made.h1.value, 1) AS forecast\n"
            "FROM sales WHERE prediction_made.h1 IS NOT NULL\n"
            "ORDER BY abs(quantity_sold - prediction_made.h1.value) DESC LIMIT 100",
        ),
        Query(
            "Coverage of the intervals by store",
            "SELECT store_id, round(avg((quantity_sold BETWEEN prediction_made.h7.lower\n"
            "  AND prediction_made.h7.upper)::INT), 3) AS within_a_week_ahead\n"
            "FROM sales WHERE prediction_made.h7 IS NOT NULL GROUP BY store_id ORDER BY store_id",
        ),
    ),
)

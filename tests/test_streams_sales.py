"""The reference stream of sales has the fields, ranges and probabilities it promises."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest

from flows.projects.sales import PRODUCTS, STORES, Sale, is_holiday
from scripts.streams import Event, events, wall_clock

SPECIFIED_FIELDS = {
    "event_id": str,
    "timestamp": str,
    "product_id": str,
    "store_id": str,
    "quantity_sold": int,
    "unit_price": float,
    "total_sales_amount": float,
    "is_promotion_active": bool,
    "promotion_id": str,
    "day_of_week": int,
    "month": int,
    "is_holiday": bool,
    "concept_drift_stage": int,
}


@pytest.fixture(scope="module")
def drawn() -> list[Event]:
    """Over two years."""
    return list(events("sales", profile="reference", count=45_000, seed=3))


@pytest.fixture(scope="module", params=["reference", "living"])
def either(request: pytest.FixtureRequest) -> list[Event]:
    return list(events("sales", profile=request.param, count=3_000, seed=1))


def time_of(event: Event) -> datetime:
    return datetime.fromisoformat(event["timestamp"])


def assert_share(hits: int, trials: int, share: float) -> None:
    assert abs(hits - trials * share) <= 4 * math.sqrt(trials * share * (1 - share))


def test_fields_are_those_of_the_specification_in_order_and_type(either: list[Event]) -> None:
    for event in either:
        assert list(event) == list(SPECIFIED_FIELDS)
        for name, kind in SPECIFIED_FIELDS.items():
            assert type(event[name]) is kind or (name == "promotion_id" and event[name] is None)


def test_every_event_decodes_as_a_sale(either: list[Event]) -> None:
    decode = msgspec.json.Decoder(Sale).decode
    for event in either:
        assert decode(msgspec.json.encode(event)).event_id == event["event_id"]


def test_events_agree_with_themselves(either: list[Event]) -> None:
    for event in either:
        time = time_of(event)
        assert (event["day_of_week"], event["month"]) == (time.weekday(), time.month)
        assert event["is_holiday"] == is_holiday(time.toordinal())
        assert event["is_promotion_active"] == (event["promotion_id"] is not None)
        amount = event["quantity_sold"] * event["unit_price"]
        assert event["total_sales_amount"] == pytest.approx(amount, abs=0.01)


def test_promotions_are_named_by_their_product(either: list[Event]) -> None:
    for event in either:
        if event["promotion_id"]:
            assert event["product_id"] in event["promotion_id"]


def test_products_and_stores_come_equally_often(drawn: list[Event]) -> None:
    for field, names in (("product_id", PRODUCTS), ("store_id", STORES)):
        for name in names:
            found = sum(event[field] == name for event in drawn)
            assert_share(found, len(drawn), 1 / len(names))


def test_gaps_are_seconds_or_half_an_hour_and_more(drawn: list[Event]) -> None:
    gaps = [(time_of(after) - time_of(before)).total_seconds() for before, after in pairwise(drawn)]
    short = [gap for gap in gaps if gap <= 300]
    assert_share(len(short), len(gaps), 0.7)
    assert min(gaps) >= 1
    assert all(1_800 <= gap <= 7_200 for gap in gaps if gap > 300)


def test_one_in_ten_is_promoted_at_a_discount(drawn: list[Event]) -> None:
    promoted = [event for event in drawn if event["is_promotion_active"]]
    assert_share(len(promoted), len(drawn), 0.1)
    for product in PRODUCTS[:5]:
        full = {
            event["unit_price"]
            for event in drawn
            if event["product_id"] == product and not event["is_promotion_active"]
        }
        assert len(full) == 1
        (price,) = full
        assert 5 <= price <= 200
        for event in promoted:
            if event["product_id"] == product:
                assert 0.699 * price <= event["unit_price"] <= 0.951 * price + 0.01


def mean(drawn: list[Event], rule: Callable[[Event], bool]) -> float:
    chosen = [float(event["quantity_sold"]) for event in drawn if rule(event)]
    return sum(chosen) / len(chosen)


def test_promotion_multiplies_what_is_sold(drawn: list[Event]) -> None:
    for product in PRODUCTS:
        mine = [event for event in drawn if event["product_id"] == product]
        promoted = mean(mine, lambda event: event["is_promotion_active"])
        usual = mean(mine, lambda event: not event["is_promotion_active"])
        assert 1.0 < promoted / usual < 3.6


def test_stages_are_half_years_and_turn_products_to_weekends(drawn: list[Event]) -> None:
    start = time_of(drawn[0])
    for event in drawn:
        assert event["concept_drift_stage"] == (time_of(event) - start).days // 180
    turned = [event for event in drawn if event["product_id"] in PRODUCTS[10:15]]
    late = [event for event in turned if event["concept_drift_stage"] >= 3]
    weekend = mean(late, lambda event: event["day_of_week"] >= 5)
    assert weekend / mean(late, lambda event: event["day_of_week"] < 5) > 1.5


def test_sent_as_drawn_it_starts_two_years_ago_and_runs_by_its_own_time() -> None:
    for profile in ("reference", "living"):
        first, *_, last = events("sales", profile=profile, count=300, clock=wall_clock)
        ago = datetime.now(UTC) - time_of(first)
        assert timedelta(days=729) < ago < timedelta(days=731)
        assert time_of(last) - time_of(first) > timedelta(days=1)

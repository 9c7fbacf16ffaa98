"""The living stream of sales: days of shops, with causes that can be found in them."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows.projects.sales import PRODUCTS, STORES
from scripts.streams import Event, Truth, drawn
from scripts.streams._sales_market import draw_quantity
from scripts.streams.drift import Drift
from scripts.streams.scenario import Scenario

DAYS = 120
Drawn = list[tuple[Event, Truth]]


def living(days: int = DAYS, **arguments: Any) -> Drawn:
    return list(drawn("sales", profile="living", count=100 * days, **arguments))


@pytest.fixture(scope="module")
def usual() -> Drawn:
    return living(seed=11)


def ratio(one: Drawn, other: Drawn) -> float:
    """Of what is expected in the first and in the second."""
    ours, theirs = (sum(true["expected"] for _, true in each) for each in (one, other))
    return float(ours / theirs)


def test_every_series_has_one_event_a_day(usual: Drawn) -> None:
    for day in range(DAYS):
        today = [event for event, _ in usual[100 * day : 100 * day + 100]]
        assert {(one["product_id"], one["store_id"]) for one in today} == {
            (product, store) for product in PRODUCTS for store in STORES
        }
        assert len({one["timestamp"][:10] for one in today}) == 1


def test_days_follow_each_other_without_a_gap(usual: Drawn) -> None:
    days = list(dict.fromkeys(event["timestamp"][:10] for event, _ in usual))
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert days == [(start + timedelta(days=day)).date().isoformat() for day in range(DAYS)]


def test_quantities_are_around_what_is_expected(usual: Drawn) -> None:
    sold = sum(event["quantity_sold"] for event, _ in usual)
    assert sold == pytest.approx(sum(true["expected"] for _, true in usual), rel=0.01)
    far = [
        abs(event["quantity_sold"] - true["expected"]) / true["expected"] for event, true in usual
    ]
    assert sum(far) / len(far) < 0.25


def test_campaigns_last_days_and_begin_mostly_on_thursdays(usual: Drawn) -> None:
    days: defaultdict[str, set[str]] = defaultdict(set)
    for event, _ in usual:
        if event["promotion_id"]:
            days[event["promotion_id"]].add(event["timestamp"][:10])
    whole = [sorted(found) for found in days.values() if max(found) < "2026-04-20"]
    assert len(whole) > 20
    assert {len(found) for found in whole} == {4, 7, 14}
    thursdays = [datetime.fromisoformat(found[0]).weekday() == 3 for found in whole]
    assert sum(thursdays) / len(whole) > 0.6


def test_promotion_and_price_move_what_is_expected() -> None:
    flash = Scenario("flash_sale", at=0, events=100)
    with_sale, without = living(1, seed=2, scenarios=[flash]), living(1, seed=2)
    pairs = list(zip(with_sale, without, strict=True))
    on_sale = [pair for pair in pairs if (pair[0][0]["promotion_id"] or "").startswith("FLASH")]
    assert 0.4 * len(pairs) <= len(on_sale) <= 0.6 * len(pairs)
    for (event, true), (usual_event, usual_true) in on_sale:
        assert event["unit_price"] < usual_event["unit_price"]
        assert true["expected"] > 1.3 * usual_true["expected"]


def test_a_holiday_that_nobody_expected_moves_demand() -> None:
    surprise = Scenario("holiday", at=1_000, events=100)
    festive, plain = living(11, seed=2, scenarios=[surprise]), living(11, seed=2)
    assert all(event["is_holiday"] for event, _ in festive[1_000:])
    assert not any(event["is_holiday"] for event, _ in plain[1_000:])
    assert ratio(festive[1_000:], plain[1_000:]) > 1.3
    assert festive[:1_000] == plain[:1_000]


def test_shocks_of_a_store_are_shared_by_its_products(usual: Drawn) -> None:
    """Day-to-day changes of one store agree more with each other than with another store's."""
    levels: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    for number, (event, true) in enumerate(usual):
        if event["promotion_id"] is None:
            levels[event["store_id"], number // 100].append(true["expected"])
    means = {key: sum(found) / len(found) for key, found in levels.items()}
    changes = [
        [means[store, day + 7] / means[store, day] for store in STORES] for day in range(DAYS - 7)
    ]
    spread = [max(change) - min(change) for change in changes]
    assert sum(spread) / len(spread) > 0.05


def test_the_other_concept_shifts_levels_weeks_and_promotion() -> None:
    at = 30 * 100
    other = living(60, seed=5, drifts=[Drift("sudden", "severe", at)])
    usual = living(60, seed=5)
    assert other[:at] == [*usual[:at]]
    factors: defaultdict[str, list[float]] = defaultdict(list)
    for (event, true), (_, was) in zip(other[at:], usual[at:], strict=True):
        factors[event["product_id"]].append(true["expected"] / was["expected"])
    moved = [name for name, found in factors.items() if max(abs(one - 1) for one in found) > 0.1]
    assert len(moved) >= 10
    assert all(true["other"] == 1.0 for _, true in other[at:])


def test_anomalies_are_told_in_the_truth() -> None:
    found = living(20, seed=3, anomaly_rate=0.2)
    odd = [(event, true) for event, true in found if true["anomalous"]]
    assert 0.15 < len(odd) / len(found) < 0.25
    far = [
        event["quantity_sold"] < 0.4 * true["expected"]
        or event["quantity_sold"] > 1.8 * true["expected"]
        for event, true in odd
    ]
    assert sum(far) > 0.9 * len(far)


@pytest.mark.parametrize("expected", [0.5, 4.0, 40.0, 400.0])
def test_quantities_have_the_mean_and_spread_asked_for(expected: float) -> None:
    rng = random.Random(1)
    found = [draw_quantity(rng, expected, 0.1) for _ in range(8_000)]
    mean = sum(found) / len(found)
    variance = sum((one - mean) ** 2 for one in found) / len(found)
    assert mean == pytest.approx(expected, rel=0.05)
    assert variance == pytest.approx(expected + (0.1 * expected) ** 2, rel=0.1)

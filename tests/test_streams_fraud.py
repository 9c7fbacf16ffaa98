"""The reference stream of payments has the fields, ranges and probabilities it promises."""

from __future__ import annotations

import ipaddress
import math
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from flows.projects import fraud
from scripts.streams import Event, events

Rule = Callable[[Event], bool]

SPECIFIED_FIELDS = {
    "transaction_id": str,
    "user_id": str,
    "timestamp": str,
    "amount": float,
    "currency": str,
    "merchant_id": str,
    "product_category": str,
    "transaction_type": str,
    "payment_method": str,
    "location": dict,
    "ip_address": str,
    "device_info": dict,
    "user_agent": str,
    "account_age_days": int,
    "cvv_provided": bool,
    "billing_address_match": bool,
    "is_fraud": int,
}


@pytest.fixture(scope="module")
def usual() -> list[Event]:
    return list(events("fraud", count=60_000, seed=0))


@pytest.fixture(scope="module")
def half() -> list[Event]:
    """Half of the events are fraud, so that both conditional probabilities are seen well."""
    return list(events("fraud", count=40_000, seed=1, fraud_probability=0.5))


def assert_count(hits: int, trials: int, share: float) -> None:
    """Hits lie within four standard deviations of a binomial with the expected share."""
    assert abs(hits - trials * share) <= 4 * math.sqrt(trials * share * (1 - share))


def assert_share(drawn: list[Event], rule: Rule, share: float) -> None:
    assert_count(sum(map(rule, drawn)), len(drawn), share)


def of(drawn: list[Event], label: int) -> list[Event]:
    return [event for event in drawn if event["is_fraud"] == label]


def test_fields_are_those_of_the_specification_in_order_and_type(usual: list[Event]) -> None:
    for event in usual[:500]:
        assert {name: type(value) for name, value in event.items()} == SPECIFIED_FIELDS
        assert list(event) == list(SPECIFIED_FIELDS)
        assert set(event["location"]) == {"lat", "lon"}
        assert set(event["device_info"]) == {"os", "browser"}


def test_every_event_decodes_as_a_transaction(usual: list[Event]) -> None:
    decode = msgspec.json.Decoder(fraud.Transaction).decode
    for event in usual:
        assert decode(msgspec.json.encode(event)).transaction_id == event["transaction_id"]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("currency", fraud.CURRENCIES),
        ("merchant_id", fraud.MERCHANTS),
        ("product_category", fraud.CATEGORIES),
        ("transaction_type", fraud.TRANSACTION_TYPES),
        ("payment_method", fraud.PAYMENT_METHODS),
    ],
)
def test_categories_all_occur_equally_often_without_fraud(
    half: list[Event], field: str, values: tuple[str, ...]
) -> None:
    normal = of(half, 0)
    found = Counter(event[field] for event in normal)
    assert set(found) == set(values)
    for count in found.values():
        assert_count(count, len(normal), 1 / len(values))


def test_devices_are_those_of_the_project(usual: list[Event]) -> None:
    devices = [event["device_info"] for event in usual]
    assert {device["os"] for device in devices} == set(fraud.OPERATING_SYSTEMS)
    assert {device["browser"] for device in devices} == set(fraud.BROWSERS)


def test_ids_are_random_uuids_that_never_repeat(usual: list[Event]) -> None:
    ids = [event[name] for event in usual for name in ("transaction_id", "user_id")]
    assert len(set(ids)) == 2 * len(usual)
    assert {uuid.UUID(text).version for text in ids[:2000]} == {4}


def test_places_and_addresses_cover_the_world(usual: list[Event]) -> None:
    latitudes = [event["location"]["lat"] for event in usual]
    longitudes = [event["location"]["lon"] for event in usual]
    assert -90 <= min(latitudes) < -89.5 and 89.5 < max(latitudes) <= 90
    assert -180 <= min(longitudes) < -179 and 179 < max(longitudes) <= 180
    addresses = {ipaddress.IPv4Address(event["ip_address"]) for event in usual}
    assert len(addresses) > 0.999 * len(usual)


def test_amounts_have_two_decimals_and_the_range_of_their_label(half: list[Event]) -> None:
    assert all(event["amount"] == round(event["amount"], 2) for event in half)
    assert all(5 <= event["amount"] <= 500 for event in of(half, 0))
    stolen = [event["amount"] for event in of(half, 1)]
    assert all(1 <= amount <= 50 or 300 <= amount <= 6000 for amount in stolen)
    assert min(stolen) < 2 and max(stolen) > 5900


def test_accounts_are_up_to_five_years_old(usual: list[Event]) -> None:
    ages = [event["account_age_days"] for event in usual]
    assert (min(ages), max(ages)) == (0, 1825)
    assert_share(of(usual, 0), lambda event: event["account_age_days"] <= 912, 913 / 1826)


def test_one_percent_is_fraud(usual: list[Event]) -> None:
    assert_share(usual, lambda event: event["is_fraud"] == 1, 0.01)


@pytest.mark.parametrize(
    ("label", "expected"), [(1, 1 - 0.95 * 0.6), (0, 0.05 * 0.1)], ids=["fraud", "normal"]
)
def test_cvv_is_missing_as_the_label_says(half: list[Event], label: int, expected: float) -> None:
    assert_share(of(half, label), lambda event: not event["cvv_provided"], expected)


@pytest.mark.parametrize(
    ("label", "expected"), [(1, 1 - 0.9 * 0.7), (0, 0.1 * 0.2)], ids=["fraud", "normal"]
)
def test_billing_differs_as_the_label_says(half: list[Event], label: int, expected: float) -> None:
    assert_share(of(half, label), lambda event: not event["billing_address_match"], expected)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (lambda event: event["amount"] >= 300, 0.8),
        (lambda event: event["amount"] > 500, 0.8 * 5500 / 5700),
        (lambda event: event["product_category"] == "gambling", 0.2 / 4 + 0.8 / 9),
        (lambda event: event["product_category"] == "travel", 0.8 / 9),
        (lambda event: event["payment_method"] == "crypto", 0.1 / 2 + 0.9 / 5),
        (lambda event: event["payment_method"] == "paypal", 0.9 / 5),
        (lambda event: event["account_age_days"] <= 30, 0.15 + 0.85 * 31 / 1826),
    ],
    ids=["high", "above-500", "gambling", "travel", "crypto", "paypal", "new-account"],
)
def test_fraud_is_conditioned_on_its_label(half: list[Event], rule: Rule, expected: float) -> None:
    assert_share(of(half, 1), rule, expected)


def test_amount_above_500_finds_three_quarters_of_fraud_and_nothing_else(
    usual: list[Event],
) -> None:
    flagged = [event for event in usual if event["amount"] > 500]
    assert all(event["is_fraud"] for event in flagged)
    assert_share(of(usual, 1), lambda event: event["amount"] > 500, 0.8 * 5500 / 5700)


def test_label_changes_nothing_but_what_the_rules_name(half: list[Event]) -> None:
    for label in (0, 1):
        chosen = of(half, label)
        assert_share(chosen, lambda event: event["currency"] == "USD", 1 / 7)
        assert_share(chosen, lambda event: event["transaction_type"] == "transfer", 1 / 5)
        assert_share(chosen, lambda event: event["location"]["lat"] > 0, 1 / 2)
        assert_share(chosen, lambda event: event["device_info"]["os"] == "iOS", 1 / 6)


def test_events_are_a_twentieth_to_half_a_second_apart(usual: list[Event]) -> None:
    times = [msgspec.convert(event["timestamp"], datetime) for event in usual[:20_000]]
    gaps = [(after - before).total_seconds() for before, after in pairwise(times)]
    assert min(gaps) >= 0.05 and max(gaps) <= 0.5
    deviation = 0.45 / math.sqrt(12 * len(gaps))
    assert abs(sum(gaps) / len(gaps) - 0.275) <= 4 * deviation


@pytest.mark.parametrize(
    ("options", "rule", "expected"),
    [
        ({"fraud_probability": 0.0}, lambda event: event["is_fraud"] == 1, 0.0),
        ({"fraud_probability": 1.0}, lambda event: event["is_fraud"] == 1, 1.0),
        ({"account_age_days_limit": 1}, lambda event: event["account_age_days"] <= 365, 1.0),
        ({"merchant_id_limit": 1}, lambda event: event["merchant_id"] == "merchant_1", 1.0),
        (
            {"fraud_probability": 0.0, "cvv_provided_missing_probability": 1.0},
            lambda event: not event["cvv_provided"],
            0.1,
        ),
        (
            {"fraud_probability": 0.0, "billing_address_match_missing_probability": 1.0},
            lambda event: not event["billing_address_match"],
            0.2,
        ),
        (
            {"fraud_probability": 1.0, "high_value_fraud_probability": 0.0},
            lambda event: event["amount"] <= 50,
            1.0,
        ),
    ],
    ids=lambda value: next(reversed(value)) if isinstance(value, dict) else "",
)
def test_options_shape_the_stream(options: dict[str, Any], rule: Rule, expected: float) -> None:
    assert_share(list(events("fraud", count=4000, **options)), rule, expected)

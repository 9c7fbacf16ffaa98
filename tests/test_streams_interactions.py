"""The reference stream of interactions has the fields, ranges and chances it promises."""

from __future__ import annotations

import math
import uuid
from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

import msgspec
import pytest

from flows.errors import SettingsError
from flows.projects import interactions
from scripts.streams import Event, events

SPECIFIED_FIELDS = {
    "event_id": (str,),
    "customer_id": (str,),
    "session_id": (str,),
    "timestamp": (str,),
    "event_type": (str,),
    "product_id": (str, type(None)),
    "product_category": (str, type(None)),
    "price": (float, type(None)),
    "quantity": (int, type(None)),
    "page_url": (str,),
    "referrer_url": (str, type(None)),
    "device_info": (dict,),
    "location": (dict,),
    "time_on_page_seconds": (int,),
    "search_query": (str, type(None)),
    "session_event_sequence": (int,),
}
MEASURED_MIX = {
    "page_view": 0.52,
    "add_to_cart": 0.27,
    "search": 0.14,
    "purchase": 0.06,
    "leave_review": 0.02,
}


@pytest.fixture(scope="module")
def drawn() -> list[Event]:
    return list(events("interactions", profile="reference", count=20_000, seed=0))


def test_fields_are_those_of_the_specification_in_order_and_type(drawn: list[Event]) -> None:
    for event in drawn[:2000]:
        assert list(event) == list(SPECIFIED_FIELDS)
        for name, value in event.items():
            assert type(value) in SPECIFIED_FIELDS[name], name


def test_every_event_decodes(drawn: list[Event]) -> None:
    decode = msgspec.json.Decoder(interactions.Interaction).decode
    for event in drawn:
        assert decode(msgspec.json.encode(event)).event_id == event["event_id"]


def test_kinds_are_as_common_as_measured(drawn: list[Event]) -> None:
    found = Counter(event["event_type"] for event in drawn)
    for kind, share in MEASURED_MIX.items():
        assert found[kind] / len(drawn) == pytest.approx(share, abs=0.012)


def test_searches_have_a_query_and_no_product(drawn: list[Event]) -> None:
    for event in drawn:
        product = [event[name] for name in ("product_id", "product_category", "price")]
        if event["event_type"] == "search":
            assert product == [None, None, None]
            assert 1 <= len(event["search_query"].split()) <= 4
        else:
            assert None not in product and event["search_query"] is None
            assert 5 <= event["price"] <= 2500


def test_only_carts_and_purchases_have_a_quantity(drawn: list[Event]) -> None:
    for event in drawn:
        bought = event["event_type"] in ("add_to_cart", "purchase")
        assert (event["quantity"] in range(1, 5)) if bought else event["quantity"] is None


def test_time_on_page_depends_on_the_kind(drawn: list[Event]) -> None:
    bounds = {"purchase": (30, 180), "search": (5, 60)}
    for event in drawn:
        low, high = bounds.get(event["event_type"], (5, 300))
        assert low <= event["time_on_page_seconds"] <= high


@pytest.mark.parametrize(
    ("path", "values"),
    [
        (("product_id",), interactions.PRODUCTS),
        (("product_category",), interactions.CATEGORIES),
        (("referrer_url",), interactions.REFERRERS),
        (("device_info", "device_type"), interactions.DEVICE_TYPES),
        (("device_info", "browser"), interactions.BROWSERS),
        (("device_info", "os"), interactions.OPERATING_SYSTEMS),
    ],
)
def test_categories_all_occur(
    drawn: list[Event], path: tuple[str, ...], values: tuple[str, ...]
) -> None:
    found: set[Any] = set()
    for event in drawn:
        value: Any = event
        for name in path:
            value = value[name]
        found.add(value)
    assert found - {None} == set(values)


def test_sessions_count_their_events_and_tell_their_referrer_once(drawn: list[Event]) -> None:
    lengths: defaultdict[str, int] = defaultdict(int)
    for event in drawn:
        lengths[event["session_id"]] += 1
        assert event["session_event_sequence"] == lengths[event["session_id"]]
        assert (event["referrer_url"] is None) == (event["session_event_sequence"] > 1)
        assert event["customer_id"] == event["session_id"]
    assert len(lengths) <= 510


def test_first_events_are_looks_or_searches(drawn: list[Event]) -> None:
    first = Counter(one["event_type"] for one in drawn if one["session_event_sequence"] == 1)
    assert set(first) == {"page_view", "search"}
    trials = first.total()
    assert abs(first["search"] - 0.2 * trials) < 4 * math.sqrt(0.16 * trials)


def test_places_are_in_the_box(drawn: list[Event]) -> None:
    for event in drawn:
        assert 29.5 <= event["location"]["lat"] <= 30.1
        assert -95.8 <= event["location"]["lon"] <= -95.0


def test_ids_are_uuids_that_never_repeat(drawn: list[Event]) -> None:
    ids = [event["event_id"] for event in drawn]
    assert len(set(ids)) == len(ids)
    assert {uuid.UUID(one).version for one in ids[:500]} == {4}


def test_about_seven_events_come_in_a_second(drawn: list[Event]) -> None:
    first, last = (msgspec.convert(drawn[at]["timestamp"], datetime) for at in (2000, -1))
    rate = (len(drawn) - 2000) / (last - first).total_seconds()
    assert rate == pytest.approx(7.0, rel=0.05)


def test_the_rate_can_be_chosen() -> None:
    slow = list(events("interactions", count=300, profile="reference", event_rate_per_minute=6.0))
    first, last = (msgspec.convert(slow[at]["timestamp"], datetime) for at in (0, -1))
    assert 10 * 290 < (last - first).total_seconds() < 10 * 500
    with pytest.raises(SettingsError, match="event_rate_per_minute=0"):
        list(events("interactions", count=1, profile="reference", event_rate_per_minute=0.0))

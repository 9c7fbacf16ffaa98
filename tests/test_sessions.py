"""What is remembered of a visit is what its events so far say, the newest included."""

from __future__ import annotations

import math
import pickle
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.projects import interactions
from flows.projects._sessions import TIMEOUT_SECONDS, Sessions
from flows.projects.interactions import DeviceInfo, Interaction, Location
from scripts import streams

START = datetime(2026, 1, 1, tzinfo=UTC)


def step(session: str = "s", second: float = 0.0, **values: Any) -> Interaction:
    told = {"event_type": "page_view", "time_on_page_seconds": 9, **values}
    return Interaction(
        event_id=f"{session}/{second}",
        customer_id="c",
        session_id=session,
        timestamp=START + timedelta(seconds=second),
        page_url="https://example.com",
        device_info=DeviceInfo("Mobile", "Safari", "iOS"),
        location=Location(29.7, -95.4),
        session_event_sequence=1,
        **told,
    )


def noted(*events: Interaction, most: int = 100) -> Sessions:
    sessions = Sessions(most)
    for event in events:
        sessions.note(event)
    return sessions


@pytest.fixture(scope="module")
def drawn() -> list[Interaction]:
    decode = msgspec.json.Decoder(Interaction).decode
    made = streams.events("interactions", profile="living", seed=100, count=4000)
    return [decode(msgspec.json.encode(event)) for event in made]


def geometric_mean(values: Iterator[float]) -> float | None:
    known = list(values)
    return math.exp(sum(map(math.log, known)) / len(known)) if known else None


def recomputed(events: list[Interaction]) -> dict[str, Any]:
    """The features of a whole visit, from its list of events."""
    kinds = [event.event_type for event in events]
    orders = [one.quantity or 0 for one in events if one.event_type in ("add_to_cart", "purchase")]
    queries = [event.search_query.split() for event in events if event.search_query]
    pages = geometric_mean(event.time_on_page_seconds + 1 for event in events)
    assert pages is not None
    return {
        "events": len(events),
        "view_share": kinds.count("page_view") / len(kinds),
        "search_share": kinds.count("search") / len(kinds),
        "cart_share": kinds.count("add_to_cart") / len(kinds),
        "purchase_share": kinds.count("purchase") / len(kinds),
        "review_share": kinds.count("leave_review") / len(kinds),
        "seconds_per_page": pages - 1,
        "categories": len({one.product_category for one in events} - {None}),
        "price": geometric_mean(one.price for one in events if one.price is not None),
        "pieces_per_order": sum(orders) / len(orders) if orders else None,
        "words_per_search": sum(map(len, queries)) / len(queries) if queries else None,
    }


def test_features_are_those_of_all_events_so_far(drawn: list[Interaction]) -> None:
    sessions, by_visit = Sessions(), dict[str, list[Interaction]]()
    for event in drawn:
        so_far = by_visit.setdefault(event.session_id, [])
        so_far.append(event)
        found = sessions.recall(event)
        expected = recomputed(so_far)
        for name, value in expected.items():
            assert found[name] == (value if value is None else pytest.approx(value)), name
        assert found["session"] == event.session_id
        sessions.note(event)


def test_recalling_changes_nothing(drawn: list[Interaction]) -> None:
    sessions = noted(*drawn[:500], most=1000)
    before = pickle.dumps(sessions)
    first = [sessions.recall(event) for event in drawn[500:600]]
    assert [sessions.recall(event) for event in drawn[500:600]] == first
    assert pickle.dumps(sessions) == before


def test_a_visit_that_pauses_for_half_an_hour_begins_anew() -> None:
    sessions = noted(step(second=0), step(second=10))
    assert sessions.recall(step(second=10 + TIMEOUT_SECONDS))["events"] == 3
    assert sessions.recall(step(second=11 + TIMEOUT_SECONDS))["events"] == 1


def test_visits_that_are_over_are_forgotten() -> None:
    sessions = noted(step("a", 0), step("b", 60), step("c", 61 + TIMEOUT_SECONDS))
    assert set(sessions._visits) == {"c"}


def test_an_event_from_the_past_joins_its_visit() -> None:
    sessions = noted(step(second=100), step(second=40))
    assert sessions.recall(step(second=90))["events"] == 3
    assert sessions._visits["s"].last == (START + timedelta(seconds=100)).timestamp()


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 5))
def test_the_least_recent_visits_make_room(order: list[int], most: int) -> None:
    sessions = noted(*(step(str(one), at) for at, one in enumerate(order)), most=most)
    recent = list(dict.fromkeys(reversed(order)))[:most]
    assert list(sessions._visits) == [str(one) for one in reversed(recent)]


@pytest.mark.parametrize(
    ("referrer", "source"),
    [
        ("google.com", "search engine"),
        ("email_campaign", "campaign"),
        ("direct", "direct"),
        ("tiktok.com", "other site"),
        ("news.example", "other site"),
        (None, "unknown"),
    ],
)
def test_the_source_is_that_of_the_first_event(referrer: str | None, source: str) -> None:
    sessions = noted(step(referrer_url=referrer), step(second=1, referrer_url="bing.com"))
    assert sessions.recall(step(second=2))["source"] == source


def test_free_products_and_unknown_kinds_are_taken_in() -> None:
    sessions = noted(step(price=0.0, product_category="x"), step(second=1, event_type="wave"))
    found = sessions.recall(step(second=2, price=0.0))
    assert found["price"] == pytest.approx(0.01)
    assert found["view_share"] == pytest.approx(2 / 3)


def test_memory_is_bounded() -> None:
    rng = random.Random(1)
    sessions = Sessions()
    for number in range(30_000):
        category = f"category {rng.randrange(500)}"
        sessions.note(step(str(number % 6000), number / 1000, product_category=category))
    assert len(sessions._visits) == 4000
    assert len(pickle.dumps(sessions)) < 1_000_000


def test_a_pickle_goes_on_as_the_original_does(drawn: list[Interaction]) -> None:
    original = noted(*drawn[:1000], most=1000)
    restored = pickle.loads(pickle.dumps(original))  # noqa: S301
    for event in drawn[1000:1500]:
        assert restored.recall(event) == original.recall(event)
        original.note(event)
        restored.note(event)


def test_inputs_hold_no_identity_but_the_key_of_the_visit(drawn: list[Interaction]) -> None:
    inputs = interactions.PROJECT.inputs(drawn[0], Sessions())
    assert {"customer_id", "event_id", "session_id", "timestamp", "location"}.isdisjoint(inputs)
    assert inputs["session"] == drawn[0].session_id
    assert all(type(value) in (int, float, str, bool, type(None)) for value in inputs.values())

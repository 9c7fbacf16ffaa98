"""What earlier payments say: repeatable, bounded, and hard to spoil by a stranger."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.projects._fraud_past import DEVICES, PARTNERS, TIMES, FraudPast
from flows.projects.fraud import PROJECT, Location, Transaction
from scripts.streams import events

START = datetime(2026, 1, 1, tzinfo=UTC)
(SAMPLE,) = [
    msgspec.convert(one, Transaction) for one in events("fraud", profile="living", count=1)
]
HOME, AWAY = Location(52.5, 13.4), Location(-33.9, 151.2)


def payment(minute: float = 0.0, **fields: Any) -> Transaction:
    """A usual payment of one user, so many minutes after the start."""
    usual = {
        "user_id": "user",
        "timestamp": START + timedelta(minutes=minute),
        "amount": 50.0,
        "merchant_id": "baker",
        "location": HOME,
        "user_agent": "own",
    }
    return msgspec.structs.replace(SAMPLE, **{**usual, **fields})


@pytest.fixture
def past() -> FraudPast:
    """A user's thirty payments, one every two hours."""
    made = FraudPast()
    for number in range(30):
        made.note(payment(120.0 * number))
    return made


LATER = 120.0 * 30


def living(count: int, seed: int = 100) -> list[Transaction]:
    drawn = events("fraud", profile="living", seed=seed, count=count)
    return [msgspec.convert(one, Transaction) for one in drawn]


def test_of_an_unknown_user_nothing_is_said(past: FraudPast) -> None:
    assert past.recall(payment(user_id="other")) == {}


def test_what_is_usual_looks_usual(past: FraudPast) -> None:
    found = past.recall(payment(LATER))
    assert abs(found["amount_over_usual"]) < 0.05
    assert found["km_from_home"] < 1
    assert found["device_known_hours"] == pytest.approx(60)
    assert (found["recent_payments"], found["merchant_known"]) == (0, True)
    assert found["merchant_strangers"] == 0


def test_what_is_unusual_shows(past: FraudPast) -> None:
    strange = payment(LATER, amount=500.0, location=AWAY, user_agent="other", merchant_id="casino")
    found = past.recall(strange)
    assert found["amount_over_usual"] == pytest.approx(2.3, abs=0.4)
    assert found["km_from_home"] > 10_000
    assert found["device_known_hours"] == 0
    assert found["merchant_known"] is False


def test_payments_in_a_row_are_counted(past: FraudPast) -> None:
    for number in range(4):
        past.note(payment(LATER + number))
    assert past.recall(payment(LATER + 4))["recent_payments"] == 4
    assert past.recall(payment(LATER + 60))["recent_payments"] == 0


def test_stranger_who_pays_often_stays_one(past: FraudPast) -> None:
    strange: dict[str, Any] = {"amount": 5_000.0, "location": AWAY, "user_agent": "other"}
    for number in range(8):
        past.note(payment(LATER + number, **strange))
    found = past.recall(payment(LATER + 8, **strange))
    assert found["km_from_home"] > 10_000
    assert found["device_known_hours"] < 0.2
    assert found["amount_over_usual"] > 3


def test_new_home_and_device_become_known() -> None:
    made = FraudPast()
    for number in range(10):
        made.note(payment(120.0 * number))
    for number in range(10, 50):
        made.note(payment(120.0 * number, location=AWAY, user_agent="new"))
    found = made.recall(payment(120.0 * 50, location=AWAY, user_agent="new"))
    assert found["km_from_home"] < 1
    assert found["device_known_hours"] == pytest.approx(80)


def test_strangers_at_a_merchant_are_seen_by_all_and_fade(past: FraudPast) -> None:
    for number in range(5):
        user = f"victim {number}"
        past.note(payment(LATER, user_id=user))
        past.note(payment(LATER + 1, user_id=user, user_agent="other"))
    assert past.recall(payment(LATER + 1))["merchant_strangers"] == pytest.approx(5, abs=0.7)
    assert past.recall(payment(LATER + 120))["merchant_strangers"] < 0.01
    assert past.recall(payment(LATER + 1, merchant_id="other"))["merchant_strangers"] == 0


def test_recalling_changes_nothing(past: FraudPast) -> None:
    before = pickle.dumps(past)
    for event in living(50):
        past.recall(event)
    past.recall(payment(LATER, amount=0.0))
    assert pickle.dumps(past) == before


def test_same_events_leave_the_same_memory() -> None:
    stream = living(300)
    first, second = FraudPast(), FraudPast()
    for event in stream[:150]:
        first.note(event)
        second.note(event)
    first = pickle.loads(pickle.dumps(first))  # noqa: S301 - written here
    for event in stream[150:]:
        assert first.recall(event) == second.recall(event)
        first.note(event)
        second.note(event)


def test_memory_is_bounded_and_forgets_who_paid_longest_ago() -> None:
    made = FraudPast(users=3, merchants=2)
    for number, user in enumerate("abcad"):
        made.note(payment(number, user_id=user, merchant_id=f"{user}'s"))
    known = [bool(made.recall(payment(9, user_id=user))) for user in "abcd"]
    assert known == [True, False, True, True]


def test_memory_of_one_user_is_bounded() -> None:
    made = FraudPast()
    for number in range(100):
        made.note(payment(number, user_agent=f"{number}", merchant_id=f"{number}"))
    size = len(pickle.dumps(made))
    for number in range(100, 400):
        made.note(payment(number, user_agent=f"{number}", merchant_id=f"{number}"))
    (user,) = made._users.values()
    assert (len(user.devices), len(user.times), len(user.partners)) == (DEVICES, TIMES, PARTNERS)
    assert len(pickle.dumps(made)) < size + 300 * 60


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"),
            st.floats(-1e4, 1e4),
            st.floats(0, 1e9),
            st.builds(Location, st.floats(-90, 90), st.floats(-180, 180)),
            st.sampled_from(["x", "y", ""]),
        ),
        max_size=25,
    )
)
def test_anything_valid_can_be_noted_and_recalled(found: list[Any]) -> None:
    made = FraudPast(users=2, merchants=1)
    for user, minute, amount, place, text in found:
        event = payment(
            minute, user_id=user, amount=amount, location=place, user_agent=text, merchant_id=text
        )
        for name, value in made.recall(event).items():
            assert value == value, name
            assert isinstance(value, float | int)
        made.note(event)


def test_project_uses_it_and_no_identity_is_an_input() -> None:
    assert isinstance(PROJECT.past and PROJECT.past(), FraudPast)
    past = FraudPast()
    for event in living(200):
        inputs = PROJECT.inputs(event, past)
        past.note(event)
        assert not {"user_id", "transaction_id", "user_agent", "ip_address"} & inputs.keys()

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.bodies import InvalidBody
from api.events import EventReader, example
from flows.projects import fraud
from flows.projects.forms import form_fields

PROJECT = fraud.PROJECT
READER = EventReader(PROJECT)
REQUIRED = [
    field.path
    for field in form_fields(PROJECT.event, hidden=PROJECT.hidden)
    if field.kind not in ("id", "time")
]


def read(**changes: Any) -> Any:
    return READER.read(msgspec.json.encode(example(PROJECT) | changes))


def test_read_makes_up_ids_and_time() -> None:
    event = read()
    assert UUID(event.transaction_id).version == 4
    assert UUID(event.user_id).version == 4
    assert datetime.now(UTC) - event.timestamp < timedelta(minutes=1)


def test_read_makes_up_other_ids_each_time() -> None:
    assert read().transaction_id != read().transaction_id


def test_read_keeps_ids_and_time_that_are_given() -> None:
    event = read(transaction_id="t", user_id="u", timestamp="2026-01-02T03:04:05+00:00")
    assert (event.transaction_id, event.user_id) == ("t", "u")
    assert event.timestamp == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("label", [0, 1, None, "nonsense", 7])
def test_read_ignores_the_label(label: object) -> None:
    assert read(is_fraud=label).is_fraud is None


def test_read_ignores_unknown_fields() -> None:
    assert not hasattr(read(shoe_size=43), "shoe_size")


@pytest.mark.parametrize(
    ("changes", "location", "message"),
    [
        ({"location": {"lat": "north", "lon": 1}}, "location.lat", "got `str`"),
        ({"location": {"lat": 91, "lon": 1}}, "location.lat", "<= 90"),
        ({"location": {"lon": 1}}, "location.lat", "is missing"),
        ({"location": None}, "location", "got `null`"),
        ({"amount": -1}, "amount", ">= 0"),
        ({"amount": "12"}, "amount", "got `str`"),
        ({"user_id": ""}, "user_id", "length >= 1"),
        ({"user_id": None}, "user_id", "got `null`"),
        ({"timestamp": "2026-01-02T03:04:05"}, "timestamp", "timezone"),
    ],
)
def test_read_names_the_wrong_field(changes: Any, location: str, message: str) -> None:
    with pytest.raises(InvalidBody) as raised:
        read(**changes)
    assert raised.value.location == location
    assert message in raised.value.message


@given(st.sampled_from(REQUIRED))
def test_read_without_any_required_field_names_it(path: str) -> None:
    values = example(PROJECT)
    *parents, name = path.split(".")
    place = values
    for parent in parents:
        place = place[parent]
    del place[name]
    with pytest.raises(InvalidBody) as raised:
        READER.read(msgspec.json.encode(values))
    assert raised.value.location == path


def test_example_is_an_event_and_always_the_same() -> None:
    assert READER.read(msgspec.json.encode(example(PROJECT)))
    assert example(PROJECT) == example(PROJECT)
    assert PROJECT.label not in example(PROJECT)

"""Every message is an event, a label, or a dead letter with its reason; none is an exception."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st

from flows.learning.learner import Learner
from flows.projects import fraud
from flows.projects.spec import Label
from flows.streaming.decode import decoder
from flows.streaming.learn import learn
from flows.streaming.messages import Decoded, Message, Polled, Rejected, Source
from flows.streaming.rows import EventRows
from tests.examples import START, fraud_values

PROJECT = fraud.PROJECT
EVENTS = Source(PROJECT.topic, 0)
LABELS = Source(PROJECT.labels_topic, 0)
REASONS = {"undecodable", "invalid"}
DECODE = decoder(PROJECT)
(GOOD,) = fraud_values(1)


def poll(*values: bytes | None, source: Source = EVENTS) -> Decoded:
    messages = [Message(i, START + i, b"key", value) for i, value in enumerate(values)]
    return DECODE(Polled(source, "cluster/topic", messages, 5))


def event_with(**changes: Any) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


def rejection(value: bytes | None, source: Source = EVENTS) -> Rejected:
    found = poll(value, source=source)
    assert found.accepted == []
    (rejected,) = found.rejected
    assert rejected.message.value == value
    assert rejected.reason in REASONS
    assert rejected.detail
    return rejected


def test_what_is_good_and_what_is_not_keep_their_order_and_offsets() -> None:
    found = poll(event_with(), b"junk", event_with(transaction_id="b"), b"", event_with())
    assert [message.offset for message, _ in found.accepted] == [0, 2, 4]
    assert [one.message.offset for one in found.rejected] == [1, 3]
    assert found.accepted[1][1].transaction_id == "b"
    assert (found.source, found.identity, found.lag) == (EVENTS, "cluster/topic", 5)


def test_an_event_is_what_was_sent() -> None:
    ((_, event),) = poll(event_with()).accepted
    assert msgspec.to_builtins(event) == {
        **GOOD,
        "timestamp": GOOD["timestamp"].replace(".000000+00:00", "Z"),
    }


def test_unknown_fields_are_ignored() -> None:
    ((_, event),) = poll(event_with(added_later={"deep": [1]})).accepted
    assert event == msgspec.convert(GOOD, PROJECT.event)


@pytest.mark.parametrize("value", [None, "absent"])
def test_a_missing_label_is_none(value: str | None) -> None:
    values = {**GOOD, "is_fraud": None}
    if value == "absent":
        del values["is_fraud"]
    ((_, event),) = poll(json.dumps(values).encode()).accepted
    assert event.is_fraud is None


@pytest.mark.parametrize("name", [name for name in GOOD if name != "is_fraud"])
@pytest.mark.parametrize("way", ["absent", "null", "of another type"])
def test_a_field_without_its_value_is_named(name: str, way: str) -> None:
    values: dict[str, Any] = {**GOOD, name: None if way == "null" else [["wrong"]]}
    if way == "absent":
        del values[name]
    rejected = rejection(json.dumps(values).encode())
    assert rejected.reason == "invalid"
    assert name in rejected.detail


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"amount": -0.01}, "amount"),
        ({"amount": 1e300}, "amount"),
        ({"amount": "12.5"}, "amount"),
        ({"account_age_days": -1}, "account_age_days"),
        ({"account_age_days": 100_001}, "account_age_days"),
        ({"account_age_days": 10**30}, "account_age_days"),
        ({"account_age_days": 1.5}, "account_age_days"),
        ({"is_fraud": 2}, "is_fraud"),
        ({"is_fraud": True}, "is_fraud"),
        ({"cvv_provided": 1}, "cvv_provided"),
        ({"transaction_id": ""}, "transaction_id"),
        ({"transaction_id": 7}, "transaction_id"),
        ({"location": {"lat": 90.1, "lon": 0}}, "location.lat"),
        ({"location": {"lat": 0, "lon": -180.1}}, "location.lon"),
        ({"location": {"lat": 0}}, "lon"),
        ({"device_info": {"os": 1, "browser": "Chrome"}}, "device_info.os"),
        ({"timestamp": "2026-01-01T00:00:00"}, "timestamp"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": 1_767_225_600}, "timestamp"),
        ({"timestamp": "2026-02-30T00:00:00Z"}, "timestamp"),
    ],
)
def test_a_value_out_of_its_range_or_type_is_named(changes: dict[str, Any], named: str) -> None:
    rejected = rejection(event_with(**changes))
    assert rejected.reason == "invalid"
    assert f"$.{named}" in rejected.detail or f"`{named}`" in rejected.detail


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="tombstone"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="cut off"),
        pytest.param(event_with()[:-1], id="cut off at its end"),
        pytest.param(event_with() + b"{}", id="two values"),
        pytest.param(event_with(amount=float("nan")), id="NaN"),
        pytest.param(event_with(amount=float("inf")), id="infinity"),
        pytest.param(b"\xff\xfe\x00", id="no UTF-8"),
        pytest.param(b'{"user_id": "\xc3("}', id="bad UTF-8 in a text"),
        pytest.param(b'{"user_id": "\\ud800"}', id="half a surrogate pair"),
        pytest.param(b"\xef\xbb\xbf" + event_with(), id="byte order mark"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="deep objects"),
        pytest.param(b"1" * 100_000, id="a huge number"),
    ],
)
def test_what_is_no_json_or_no_object_is_rejected(value: bytes | None) -> None:
    rejection(value)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b'{"location": ' + b"[" * 50_000, id="an array"),
        pytest.param(b'{"unknown": ' + b'{"a":' * 50_000, id="an object in an unknown field"),
    ],
)
def test_deep_nesting_inside_an_event_is_rejected(value: bytes) -> None:
    rejection(value)


def test_a_label_is_read_from_its_topic() -> None:
    value = b'{"event_id": "a", "label": 1, "timestamp": "2026-01-01T00:00:00Z"}'
    ((_, label),) = poll(value, source=LABELS).accepted
    assert isinstance(label, Label)
    assert (label.event_id, label.label) == ("a", 1)


@pytest.mark.parametrize(
    ("label", "named"), [(2, "0 or 1"), (0.5, "0 or 1"), (None, "label"), ("1", "label")]
)
def test_a_label_of_another_kind_is_rejected(label: Any, named: str) -> None:
    value = {"event_id": "a", "label": label, "timestamp": "2026-01-01T00:00:00Z"}
    rejected = rejection(json.dumps(value).encode(), LABELS)
    assert rejected.reason == "invalid"
    assert named in rejected.detail


def test_a_label_that_is_an_event_is_rejected() -> None:
    assert "event_id" in rejection(event_with(), LABELS).detail


def sorted_into(values: list[bytes], source: Source = EVENTS) -> Decoded:
    """Decode; every message must be on one side, and what was accepted must be fit for use."""
    found = poll(*values, source=source)
    offsets = [one.offset for one, _ in found.accepted]
    offsets += [one.message.offset for one in found.rejected]
    assert sorted(offsets) == list(range(len(values)))
    for rejected in found.rejected:
        assert rejected.reason in REASONS
        rejected.detail.encode()
    return found


NOISE = st.lists(
    st.binary(max_size=60)
    | st.text(max_size=40).map(str.encode)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([*GOOD, "x"]), inner, max_size=5)
        ),
        max_leaves=10,
    ).map(lambda value: json.dumps(value).encode()),
    min_size=20,
    max_size=40,
)


@given(NOISE)
@tries(deadline=None)
def test_noise_is_never_an_exception(values: list[bytes]) -> None:
    for source in (EVENTS, LABELS):
        sorted_into(values, source)


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        [0, 1, 2, -1, 1e9, 10**19, 100_000, 90, -180.0, "", "\0", "\U0001f600", {}, []]
    ),
    st.datetimes().map(lambda time: time.isoformat()),
    st.datetimes(timezones=st.timezones()).map(lambda time: time.isoformat()),
    st.dictionaries(st.sampled_from(["lat", "lon", "os", "browser"]), st.floats() | st.text()),
)


@st.composite
def mutated_events(draw: st.DrawFn) -> bytes:
    """An event of which some values are odd, missing or too many, and perhaps some bytes."""
    values = {**GOOD, **draw(st.dictionaries(st.sampled_from([*GOOD, "added"]), ODD, max_size=2))}
    for name in draw(st.sets(st.sampled_from(list(GOOD)), max_size=1)):
        values.pop(name)
    raw = bytearray(json.dumps(values, ensure_ascii=draw(st.booleans())).encode())
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3]))):
        raw[draw(st.integers(0, len(raw) - 1))] = draw(st.integers(0, 255))
    return bytes(raw)


ROWS = EventRows(PROJECT)


@given(st.lists(mutated_events(), min_size=5, max_size=15))
@tries(deadline=None, max_examples=150)
def test_what_is_accepted_can_be_learnt_and_written(values: list[bytes]) -> None:
    """Whatever passes here would otherwise end the flow further on, again and again."""
    found = sorted_into([event_with(), *values])
    learner = Learner.fresh(replace(PROJECT, horizon=timedelta(days=1)))
    learned = learn(learner, found)
    table = ROWS.table(learned, learned.events)
    assert table["transaction_id"].to_pylist() == [
        event.transaction_id for _, event in found.accepted
    ]
    assert table["amount"].to_pylist() == [event.amount for _, event in found.accepted]
    assert table["merchant_id"].to_pylist() == [event.merchant_id for _, event in found.accepted]


@pytest.mark.parametrize("read", [DECODE, decoder(PROJECT)])
def test_a_decoder_keeps_nothing_between_polls(read: Callable[[Polled], Decoded]) -> None:
    polled = Polled(EVENTS, "", [Message(0, START, None, b"junk")], None)
    assert read(polled) == read(polled)
    assert len(read(polled).rejected) == 1


@pytest.mark.parametrize(
    "time",
    ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-23:59"],
)
def test_a_time_that_other_zones_cannot_hold_is_rejected(time: str) -> None:
    rejected = rejection(event_with(timestamp=time))
    assert rejected.reason == "invalid"
    assert rejected.detail.endswith("at `$.timestamp`")

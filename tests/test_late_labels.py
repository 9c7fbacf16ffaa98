"""Labels are taken out of events and come back in River's order of questions and answers."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from river.stream import simulate_qa

from flows.errors import EventError, SettingsError
from flows.projects import fraud
from flows.projects.spec import Label
from scripts.kafka import Record
from scripts.label_delay import LabelDelay
from scripts.late_labels import LateLabels
from scripts.records import EventReader
from scripts.streams import Event, events

DRAWN = list(events("fraud", count=40, fraud_probability=0.5))


def send(drawn: list[Event], delay: int) -> list[tuple[str, Record]]:
    """What goes out, in order, as ("event" or "label", record)."""
    return send_late(drawn, delay=delay)


def identity(kind: str, record: Record) -> tuple[str, str]:
    field = "event_id" if kind == "label" else "transaction_id"
    return kind, msgspec.json.decode(record.value)[field]


def questions_and_answers(drawn: list[Event], delay: int) -> list[tuple[str, str]]:
    dataset: list[tuple[dict[Hashable, Any], int]] = [
        ({"id": event["transaction_id"]}, event["is_fraud"]) for event in drawn
    ]
    return [
        ("event" if label is None else "label", features["id"])
        for _, features, label in simulate_qa(iter(dataset), moment=None, delay=delay)
    ]


@given(count=st.integers(0, 40), delay=st.integers(0, 45))
def test_order_is_that_of_rivers_simulation(count: int, delay: int) -> None:
    sent = [identity(kind, record) for kind, record in send(DRAWN[:count], delay)]
    assert sent == questions_and_answers(DRAWN[:count], delay)


@given(delay=st.integers(0, 45))
def test_every_label_comes_back_once_with_the_key_of_its_event(delay: int) -> None:
    labels = {
        (record.key, label.event_id): label.label
        for kind, record in send(DRAWN, delay)
        if kind == "label"
        for label in [msgspec.json.decode(record.value, type=Label)]
    }
    assert labels == {
        (event["user_id"].encode(), event["transaction_id"]): event["is_fraud"] for event in DRAWN
    }


def test_event_keeps_all_but_its_label() -> None:
    sent = [msgspec.json.decode(record.value) for kind, record in send(DRAWN, 3) if kind == "event"]
    assert sent == [event | {"is_fraud": None} for event in DRAWN]


def test_label_is_dated_by_the_event_before_it() -> None:
    last = None
    for kind, record in send(DRAWN, 5):
        time = msgspec.json.decode(record.value)["timestamp"]
        if kind == "label":
            assert time == last
        last = time
        assert record.time_ms == int(datetime.fromisoformat(time).timestamp() * 1000)


def send_late(drawn: list[Event] = DRAWN, **arguments: Any) -> list[tuple[str, Record]]:
    reader, late = EventReader(fraud.PROJECT), LateLabels(fraud.PROJECT, **arguments)
    sent: list[tuple[str, Record]] = []
    for event in drawn:
        sent += [("label", record) for record in late.due()]
        sent.append(("event", late.withhold(reader.read(msgspec.json.encode(event)))))
    return sent + [("label", record) for record in late.rest()]


def labels_of(sent: list[tuple[str, Record]]) -> list[Label]:
    decode = msgspec.json.Decoder(Label).decode
    return [decode(record.value) for kind, record in sent if kind == "label"]


@given(seconds=st.floats(0, 20))
def test_label_is_dated_by_when_it_is_known_and_sent_when_the_clock_has_passed(
    seconds: float,
) -> None:
    sent = send_late(delay=LabelDelay("fixed", seconds))
    times = {event["transaction_id"]: event["timestamp"] for event in DRAWN}
    now = None
    for place, (kind, record) in enumerate(sent):
        fields = msgspec.json.decode(record.value)
        if kind == "event":
            now = datetime.fromisoformat(fields["timestamp"])
            continue
        known = datetime.fromisoformat(fields["timestamp"])
        asked = datetime.fromisoformat(times[fields["event_id"]])
        assert (known - asked).total_seconds() == pytest.approx(seconds, abs=1e-6)
        still_running = any(later == "event" for later, _ in sent[place:])
        assert not still_running or (now is not None and known <= now)


def test_labels_come_in_the_order_in_which_they_are_known() -> None:
    labels = labels_of(send_late(delay=LabelDelay("exp", 3.0)))
    assert [label.timestamp for label in labels] == sorted(label.timestamp for label in labels)
    assert {label.event_id for label in labels} == {event["transaction_id"] for event in DRAWN}
    assert [label.event_id for label in labels] != [event["transaction_id"] for event in DRAWN]


def test_same_seed_gives_the_same_delays() -> None:
    first, second, other = (
        labels_of(send_late(delay=LabelDelay("exp", 3.0), seed=seed)) for seed in (1, 1, 2)
    )
    assert first == second != other


def test_missing_labels_are_taken_out_and_never_come() -> None:
    sent = send_late(delay=2, missing=0.5, seed=3)
    events_without = [record for kind, record in sent if kind == "event"]
    assert {msgspec.json.decode(record.value)["is_fraud"] for record in events_without} == {None}
    assert 5 <= len(labels_of(sent)) <= 35


def test_without_a_delay_only_missing_labels_are_taken_out() -> None:
    sent = send_late(delay=None, missing=0.5, seed=3)
    labels = [msgspec.json.decode(record.value)["is_fraud"] for _, record in sent]
    assert labels_of(sent) == []
    assert 5 <= labels.count(None) <= 35
    drawn = [event["is_fraud"] for event in DRAWN]
    assert all(label in (None, known) for label, known in zip(labels, drawn, strict=True))


@pytest.mark.parametrize("missing", [-0.1, 1.5])
def test_share_of_missing_labels_that_is_none_is_refused(missing: float) -> None:
    with pytest.raises(SettingsError, match=f"label_missing={missing}"):
        LateLabels(fraud.PROJECT, 1, missing)


def test_event_without_label_passes_and_gets_none_later() -> None:
    unknown: list[Event] = [event | {"is_fraud": None} for event in DRAWN[:5]]
    assert [kind for kind, _ in send(unknown, 0)] == ["event"] * 5


def test_event_without_label_still_counts_for_the_delay_of_others() -> None:
    mixed: list[Event] = [DRAWN[0], DRAWN[1] | {"is_fraud": None}, *DRAWN[2:4]]
    kinds = [kind for kind, _ in send(mixed, 2)]
    assert kinds == ["event", "event", "label", "event", "event", "label", "label"]


def test_project_whose_events_need_their_label_is_refused() -> None:
    class Payment(msgspec.Struct):
        transaction_id: str
        user_id: str
        timestamp: datetime
        is_fraud: int

    project: Any = fraud.PROJECT
    strict = type(project)(
        **{name: getattr(project, name) for name in project.__dataclass_fields__}
        | {"event": Payment}
    )
    read = EventReader(strict).read(msgspec.json.encode(DRAWN[0]))
    with pytest.raises(EventError, match="is_fraud"):
        LateLabels(strict, 1).withhold(read)

"""Ten thousand messages that may be anything: each ends as one row or as one dead letter."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from flows import projects
from flows.learning.learner import Learner
from flows.projects.spec import Project
from flows.streaming.decode import decoder
from flows.streaming.learn import learn
from flows.streaming.messages import Message, Polled, Source
from flows.streaming.rows import EventRows, OutcomeRows
from scripts import streams
from tests.examples import START

MESSAGES = 10_000
BATCH = 250

Event = dict[str, Any]
Mutation = Callable[[random.Random, Event, Any], Event]

ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.datetimes().map(str)
    | st.sampled_from([0, 1, -1, 1e9, 10**19, -180.0, "", "\0", "\U0001f600", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=4,
)
"""Values that no event is meant to hold, drawn anew for each batch."""


def _odd_field(rng: random.Random, event: Event, odd: Any) -> Event:
    return {**event, rng.choice(list(event)): odd}


def _odd_inside(rng: random.Random, event: Event, odd: Any) -> Event:
    nested = [name for name, value in event.items() if isinstance(value, dict) and value]
    if not nested:
        return event
    name = rng.choice(nested)
    return {**event, name: _odd_field(rng, event[name], odd)}


def _missing(rng: random.Random, event: Event, _: Any) -> Event:
    gone = rng.choice(list(event))
    return {name: value for name, value in event.items() if name != gone}


def _swapped(rng: random.Random, event: Event, _: Any) -> Event:
    one, other = rng.choice(list(event)), rng.choice(list(event))
    return {**event, one: event[other], other: event[one]}


def _added(rng: random.Random, event: Event, odd: Any) -> Event:
    return {f"x{rng.random()}": odd, **event}


def _whole(_: random.Random, event: Event, __: Any) -> Event:
    return event


VALUES: list[Mutation] = [_odd_field, _odd_inside, _missing, _swapped, _added, _whole]


def _flipped(rng: random.Random, raw: bytearray) -> bytes:
    for _ in range(rng.randint(1, 3)):
        raw[rng.randrange(len(raw))] = rng.randrange(256)
    return bytes(raw)


def _cut(rng: random.Random, raw: bytearray) -> bytes:
    return bytes(raw[: rng.randrange(len(raw))])


def _spliced(rng: random.Random, raw: bytearray) -> bytes:
    start, end = sorted(rng.randrange(len(raw)) for _ in range(2))
    return bytes(raw[:end] + raw[start:])


def _untouched(_: random.Random, raw: bytearray) -> bytes:
    return bytes(raw)


BYTES = [_flipped, _cut, _spliced, *[_untouched] * 5]


def fuzzed(rng: random.Random, event: Event, odd: list[Any]) -> bytes:
    """An event after one or two mutations of its values and perhaps one of its bytes."""
    for _ in range(rng.randint(1, 2)):
        event = rng.choice(VALUES)(rng, event, rng.choice(odd))
    raw = bytearray(
        json.dumps(event, ensure_ascii=rng.random() < 0.5).encode(errors="surrogatepass")
    )
    return rng.choice(BYTES)(rng, raw)


def fates(project: Project, learner: Learner, values: list[bytes], first: int) -> Counter[str]:
    """How many messages became rows, and how many dead letters; none is both, or neither."""
    source = Source(project.topic, 0)
    messages = [
        Message(first + at, START + first + at, None, value) for at, value in enumerate(values)
    ]
    decoded = decoder(project)(Polled(source, "cluster/topic", messages))
    learned = learn(learner, decoded)
    rows = EventRows(project).table(learned, learned.events)["kafka_offset"].to_pylist()
    letters = [one.message.offset for one in decoded.rejected]
    assert sorted(rows + letters) == [message.offset for message in messages]
    if learned.outcomes:
        outcomes = OutcomeRows(project).table(learned, learned.outcomes)
        assert set(outcomes["kafka_offset"].to_pylist()) <= set(rows)
    return Counter(rows=len(rows), letters=len(letters))


@pytest.mark.parametrize("project", list(projects.PROJECTS.values()), ids=lambda one: one.slug)
def test_each_of_ten_thousand_messages_ends_once(project: Project) -> None:
    """One learner takes in all of them, so that whatever one leaves behind meets the next."""
    project = replace(project, horizon=timedelta(hours=1))
    learner, found = Learner.fresh(project), Counter[str]()
    whole = list(streams.events(project.slug, seed=2, count=BATCH))

    @given(st.integers(0, 2**32), st.lists(ODD, min_size=10, max_size=10))
    @tries(
        max_examples=MESSAGES // BATCH,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def batch(seed: int, odd: list[Any]) -> None:
        rng = random.Random(seed)
        values = [fuzzed(rng, event, odd) for event in whole]
        found.update(fates(project, learner, values, found.total()))

    batch()
    assert found.total() >= MESSAGES
    assert min(found["rows"], found["letters"]) > MESSAGES / 10

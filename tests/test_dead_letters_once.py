"""Dead letters are on their topic once each, whatever crashes; on a real broker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from flows.errors import BrokerError
from flows.projects import fraud
from flows.settings import Settings
from flows.streaming.dead_letter_sink import DeadLetterPartition, DeadLetterSink, Position
from flows.streaming.log_reader import least_end, read_to_end
from flows.streaming.messages import Decoded, Message, Rejected, Source
from scripts.local.ports import free_port
from scripts.topics import ensure_topics

CLUSTER = "cluster/topic"
SOURCE = Source("events", 0)


@pytest.fixture
def settings(broker: str) -> Settings:
    return Settings(_env_file=None, kafka_bootstrap=broker, kafka_options={"log_level": "2"})


@pytest.fixture
def letters(settings: Settings, unique: Callable[[str], str]) -> Callable[[], str]:
    """Makes topics for dead letters."""

    def make() -> str:
        project = replace(fraud.PROJECT, topic=unique("once"))
        ensure_topics(project, settings)
        return project.dead_letters_topic

    return make


def start(settings: Settings, topic: str, state: Position = None) -> DeadLetterPartition:
    return DeadLetterSink(settings, topic).build_part("dead_letters", "0000", state)


def poll(
    first: int, end: int, identity: str = CLUSTER, source: Source = SOURCE, each: int = 1
) -> Decoded:
    """Offsets from `first` to before `end`, of which every `each`-th is rejected."""
    messages = [Message(i, float(i), b"key", b"%d" % i) for i in range(first, end)]
    bad = [Rejected(one, "invalid", "why") for one in messages if one.offset % each == 0]
    good: list[tuple[Message, Any]] = [(one, None) for one in messages if one.offset % each]
    return Decoded(source, identity, good, bad, None)


def on(settings: Settings, topic: str, partition: int = 0) -> list[int]:
    """What the values on the topic are."""
    return [int(one.value() or b"") for one in read_to_end(settings, topic, partition)]


def test_what_was_sent_before_a_crash_is_not_sent_again(
    settings: Settings, letters: Callable[[], str]
) -> None:
    """It dies after the flush and before the epoch is committed, so its snapshot is lost."""
    topic = letters()
    sink = start(settings, topic)
    sink.write_batch([poll(0, 10)])
    kept = sink.snapshot()
    sink.write_batch([poll(10, 20)])
    sink.snapshot()
    again = start(settings, topic, kept)
    again.write_batch([poll(10, 15), poll(15, 25)])
    again.snapshot()
    assert on(settings, topic) == list(range(25))


def test_a_lost_recovery_directory_sends_nothing_twice(
    settings: Settings, letters: Callable[[], str]
) -> None:
    topic = letters()
    for end in (10, 20):
        sink = start(settings, topic)
        sink.write_batch([poll(0, end)])
        sink.snapshot()
    assert on(settings, topic) == list(range(20))


def test_what_was_sent_is_known_also_after_several_crashes_in_smaller_epochs(
    settings: Settings, letters: Callable[[], str]
) -> None:
    topic = letters()
    first = start(settings, topic)
    first.write_batch([poll(0, 20)])
    first.snapshot()
    state: Position = None
    for begin, end in ((0, 5), (5, 10), (10, 20), (20, 22)):
        sink = start(settings, topic, state)
        sink.write_batch([poll(begin, end)])
        state = sink.snapshot()
    assert on(settings, topic) == list(range(22))


def test_a_log_made_anew_has_letters_of_its_own(
    settings: Settings, letters: Callable[[], str]
) -> None:
    topic = letters()
    state: Position = None
    for identity in ("cluster/old", "cluster/new"):
        sink = start(settings, topic)
        sink.write_batch([poll(0, 5, identity)])
        state = sink.snapshot()
    assert on(settings, topic) == [*range(5), *range(5)]
    assert state is not None and state[1] == 10, "it still looks for letters that cannot come"


def test_after_a_quiet_time_only_what_is_new_is_read(
    settings: Settings, letters: Callable[[], str]
) -> None:
    topic = letters()
    sink = start(settings, topic)
    sink.write_batch([poll(0, 1_000)])
    state = sink.snapshot()
    assert state is not None and state[1] == 1_000
    idle = start(settings, topic, state)
    idle.write_batch([poll(1_001, 1_002, each=1_000)])
    assert idle.snapshot() == state


def test_a_position_in_another_topic_of_that_name_counts_for_nothing(
    settings: Settings, letters: Callable[[], str]
) -> None:
    topic = letters()
    first = start(settings, topic)
    first.write_batch([poll(0, 5)])
    first.snapshot()
    second = start(settings, topic, ("another/cluster", 5))
    second.write_batch([poll(0, 6)])
    second.snapshot()
    assert on(settings, topic) == list(range(6))


def test_the_shard_of_a_message_picks_the_partition(
    settings: Settings, unique: Callable[[str], str]
) -> None:
    project = replace(fraud.PROJECT, topic=unique("shards"))
    sharded = settings.model_copy(update={"shards": 2})
    ensure_topics(project, sharded)
    topic = project.dead_letters_topic
    for _ in range(2):
        for shard in (0, 1):
            sinks = DeadLetterSink(sharded, topic)
            sink = sinks.build_part("dead_letters", f"{shard:04d}", None)
            sink.write_batch([poll(10 * shard, 10 * shard + 5, source=Source("events", shard))])
            sink.snapshot()
    assert on(settings, topic, 0) == list(range(5))
    assert on(settings, topic, 1) == list(range(10, 15))


def test_more_than_a_message_may_be_is_told_instead_of_sent(
    settings: Settings, letters: Callable[[], str]
) -> None:
    """It must not end the flow, again after every restart."""
    topic = letters()
    narrow = settings.model_copy(update={"kafka_options": {"message.max.bytes": "2000"}})
    sink = start(narrow, topic)
    huge = Rejected(Message(7, 1.0, b"key", b"x" * 100_000), "undecodable", "why")
    sink.write_batch([Decoded(SOURCE, CLUSTER, [], [huge], None)])
    sink.snapshot()
    (letter,) = read_to_end(settings, topic, 0)
    assert not letter.value()
    assert dict(letter.headers() or [])["__realtime.errors.omitted"] == b"100000"


def test_without_a_broker_the_look_ends(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.streaming.log_reader.ANSWER_SECONDS", 0.5)
    away = settings.model_copy(update={"kafka_bootstrap": f"127.0.0.1:{free_port()}"})
    with pytest.raises(BrokerError, match="REALTIME_KAFKA_BOOTSTRAP"):
        list(read_to_end(away, "letters", 0))


def test_a_log_is_read_to_its_end_whatever_batches_it_has(
    settings: Settings, letters: Callable[[], str]
) -> None:
    topic = letters()
    assert on(settings, topic) == []
    sink, numbers = start(settings, topic), count()
    for size in (1, 7, 500):
        first = next(numbers) * 1_000
        sink.write_batch([poll(first, first + size)])
        sink.snapshot()
        end = len(on(settings, topic))
        assert on(settings, topic)[-1] == first + size - 1
        assert least_end(settings, topic, 0) <= end
        assert [one.offset() for one in read_to_end(settings, topic, 0, end - 1)] == [end - 1]
        assert list(read_to_end(settings, topic, 0, end)) == []


Step = tuple[Literal["write", "epoch", "crash", "crash after the flush"], int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "epoch", "crash", "crash after the flush"]),
        st.integers(1, 12),
    ),
    max_size=8,
)


@given(steps=STEPS, each=st.integers(1, 3))
@tries(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_it_crashes_every_letter_is_there_once(
    settings: Settings, letters: Callable[[], str], steps: list[Step], each: int
) -> None:
    topic = letters()
    play(settings, topic, [*steps, ("write", 40), ("epoch", 0)], each)
    assert on(settings, topic) == [i for i in range(40) if i % each == 0]


def play(settings: Settings, topic: str, steps: list[Step], each: int) -> None:
    """Poll, close epochs and crash as told; after a crash the last closed epoch is the start."""
    sink, reached = start(settings, topic), 0
    closed: tuple[int, Position] = (0, None)
    for step, size in steps:
        if step == "write":
            begin, reached = reached, min(reached + size, 40)
            sink.write_batch([poll(begin, reached, each=each)])
        elif step == "epoch":
            closed = (reached, sink.snapshot())
        else:
            die(sink, in_queue=step == "crash")
            reached, state = closed
            sink = start(settings, topic, state)


def die(sink: DeadLetterPartition, in_queue: bool) -> None:
    """What was not yet handed to the network is lost; the rest arrives."""
    if in_queue:
        sink._producer.purge(in_queue=True, in_flight=False)
    sink._producer.flush()

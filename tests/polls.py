"""What travels between the steps of a flow, made of events without a broker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from flows.learning.learner import Learner
from flows.projects.spec import Project
from flows.streaming.learn import learn
from flows.streaming.messages import Decoded, Learned, Message, Source
from tests.examples import START

CLUSTER = "a-cluster/a-topic-id"


def decoded(
    source: Source, values: Sequence[Any], first: int = 0, identity: str = CLUSTER
) -> Decoded:
    """A poll of events or labels, a message a second."""
    messages = [Message(first + i, START + first + i, b"key", b"") for i in range(len(values))]
    return Decoded(source, identity, list(zip(messages, values, strict=True)), [], None)


def learned(
    project: Project,
    events: Sequence[Any],
    first: int = 0,
    partition: int = 0,
    identity: str = CLUSTER,
) -> Learned:
    """What a new learner makes of a poll of events."""
    source = Source(project.topic, partition)
    return learn(Learner.fresh(project, lineage=7), decoded(source, events, first, identity))


def part(whole: Learned, start: int, end: int) -> Learned:
    """What a poll of the messages with offsets from `start` to before `end` would have brought."""
    return msgspec.structs.replace(
        whole,
        events=[row for row in whole.events if start <= row.offset < end],
        outcomes=[row for row in whole.outcomes if start <= row.offset < end],
    )

"""From bytes on Kafka to typed events and labels; what is neither is kept with its reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from flows.errors import EventError
from flows.projects.spec import Label, Project
from flows.streaming.messages import Decoded, Message, Polled, Rejected


def decoder(project: Project) -> Callable[[Polled], Decoded]:
    """Make the function that decodes what one poll of the project's topics brought."""
    readers = {
        project.topic: msgspec.json.Decoder(project.event).decode,
        project.labels_topic: _label_reader(project),
    }

    def decode(polled: Polled) -> Decoded:
        read = readers[polled.source.topic]
        accepted: list[tuple[Message, Any]] = []
        rejected: list[Rejected] = []
        for message in polled.messages:
            try:
                accepted.append((message, read(message.value or b"")))
            except (msgspec.DecodeError, EventError, UnicodeDecodeError, RecursionError) as error:
                rejected.append(Rejected(message, _reason(error), str(error)))
        return Decoded(polled.source, polled.identity, accepted, rejected, polled.lag)

    return decode


def _label_reader(project: Project) -> Callable[[bytes], Label]:
    read = msgspec.json.Decoder(Label).decode

    def read_label(value: bytes) -> Label:
        label = read(value)
        project.task.check_label(label.label)
        return label

    return read_label


def _reason(error: Exception) -> str:
    """One word for counting: is it no JSON at all, or JSON that is not what it should be?"""
    return "invalid" if isinstance(error, msgspec.ValidationError | EventError) else "undecodable"

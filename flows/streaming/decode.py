"""From bytes on Kafka to typed events and labels; what is neither is kept with its reason."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import msgspec

from flows.errors import EventError
from flows.projects.forms import form_fields
from flows.projects.spec import Label, Project
from flows.streaming.messages import Decoded, Message, Polled, Rejected

# The first and the last year of the calendar do not fit it any more in another time zone.
EARLIEST_YEAR, LATEST_YEAR = 2, 9998


def decoder(project: Project) -> Callable[[Polled], Decoded]:
    """Make the function that decodes what one poll of the project's topics brought."""
    readers: dict[str, Callable[[bytes], Any]] = {project.topic: _event_reader(project)}
    if project.label is not None:
        readers[project.labels_topic] = _label_reader(project)

    def decode(polled: Polled) -> Decoded:
        read = readers[polled.source.topic]
        accepted: list[tuple[Message, Any]] = []
        rejected: list[Rejected] = []
        for message in polled.messages:
            try:
                accepted.append((message, read(message.value or b"")))
            except (msgspec.DecodeError, EventError, UnicodeDecodeError, RecursionError) as error:
                rejected.append(Rejected(message, _reason(error), str(error)))
        source, position, order = polled.source, polled.position, polled.order
        return Decoded(source, polled.identity, accepted, rejected, polled.lag, position, order)

    return decode


def _event_reader(project: Project) -> Callable[[bytes], Any]:
    read = msgspec.json.Decoder(project.event).decode
    fields = [field.path for field in form_fields(project.event) if field.kind == "time"]
    times = [(path, attrgetter(path)) for path in fields]

    def read_event(value: bytes) -> Any:
        event = read(value)
        for path, time in times:
            found = time(event)
            if found is not None and not EARLIEST_YEAR <= found.year <= LATEST_YEAR:
                raise EventError(
                    f"{found} is outside the years {EARLIEST_YEAR} to {LATEST_YEAR} - at `$.{path}`"
                )
        return event

    return read_event


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

"""Labels that come later than their events."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import msgspec

from flows.projects.spec import Project
from scripts.kafka import Record
from scripts.records import EventReader, Read, milliseconds
from scripts.streams.stream import EPOCH, iso


class LateLabels:
    """Takes the labels out of events and gives each back `delay` events later.

    A label is due just before the event that comes `delay` places after its own, as in
    `river.stream.simulate_qa`. Its time is that of the event before it, in the order of sending.
    """

    def __init__(self, project: Project, delay: int) -> None:
        self._project = project
        self._delay = delay
        self._reader = EventReader(project)
        self._waiting: deque[tuple[int, bytes | None, str, Any]] = deque()
        self._seen = 0
        self._now = EPOCH

    def withhold(self, read: Read) -> Record:
        """The event's record without its label. Raises EventError if it may not lack one."""
        event = read.event
        self._now = getattr(event, self._project.time)
        label = getattr(event, self._project.label) if self._project.label else None
        self._seen += 1
        if label is None:
            return read.record
        due = self._seen - 1 + self._delay
        event_id = getattr(event, self._project.event_id)
        self._waiting.append((due, read.record.key, event_id, label))
        fields = msgspec.json.decode(read.record.value)
        fields |= dict.fromkeys(self._project.unknown)
        return self._reader.read(msgspec.json.encode(fields)).record

    def due(self) -> Iterator[Record]:
        """Labels to send before the next event."""
        while self._waiting and self._waiting[0][0] <= self._seen:
            yield self._release()

    def rest(self) -> Iterator[Record]:
        """Labels that are left when no event comes any more."""
        while self._waiting:
            yield self._release()

    def _release(self) -> Record:
        _, key, event_id, label = self._waiting.popleft()
        fields = {"event_id": event_id, "label": label, "timestamp": iso(self._now)}
        return Record(key, msgspec.json.encode(fields), milliseconds(self._now))

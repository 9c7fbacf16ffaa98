"""Labels that come later than their events, or never."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Any, NamedTuple

import msgspec

from flows.projects.spec import Project
from scripts.kafka import Record
from scripts.label_delay import LabelDelay
from scripts.records import EventReader, Read, milliseconds
from scripts.streams.stream import EPOCH, check_probability, iso


class _Owed(NamedTuple):
    """A label that is known when `due` comes: a number of events, or seconds since 1970."""

    due: float
    order: int
    known: datetime | None
    key: bytes | None
    event_id: str
    label: Any


class LateLabels:
    """Takes the labels out of events and gives each back later.

    With a number of events as `delay`, a label is due just before the event that comes so many
    places after its own, as in `river.stream.simulate_qa`; its time is that of the event before
    it, in the order of sending. With a distribution, it is due when the time of events has passed
    the moment when it is known, which is its time. Without any, labels stay in their events. A
    share of `missing` is taken out and never given back. Raises SettingsError for no share.
    """

    def __init__(
        self,
        project: Project,
        delay: int | LabelDelay | None,
        missing: float = 0.0,
        seed: int = 0,
    ) -> None:
        check_probability("label_missing", missing)
        self._project = project
        self._delay = delay
        self._missing = missing
        self._rng = random.Random(f"labels/{seed}")  # noqa: S311 - repeatable, not secret
        self._reader = EventReader(project)
        self._owed: list[_Owed] = []
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
        missing = self._missing and self._rng.random() < self._missing
        if not missing:
            if self._delay is None:
                return read.record
            self._owe(read, label)
        fields = msgspec.json.decode(read.record.value)
        fields |= dict.fromkeys(self._project.unknown)
        return self._reader.read(msgspec.json.encode(fields)).record

    def due(self) -> Iterator[Record]:
        """Labels to send before the next event."""
        now = self._now.timestamp() if isinstance(self._delay, LabelDelay) else self._seen
        while self._owed and self._owed[0].due <= now:
            yield self._release()

    def rest(self) -> Iterator[Record]:
        """Labels that are left when no event comes any more."""
        while self._owed:
            yield self._release()

    def _owe(self, read: Read, label: Any) -> None:
        event_id = getattr(read.event, self._project.event_id)
        if isinstance(self._delay, LabelDelay):
            known = self._now + timedelta(seconds=self._delay.seconds(self._rng))
            due = known.timestamp()
        else:
            known, due = None, float(self._seen - 1 + (self._delay or 0))
        heappush(self._owed, _Owed(due, self._seen, known, read.record.key, event_id, label))

    def _release(self) -> Record:
        owed = heappop(self._owed)
        known = owed.known or self._now
        fields = {"event_id": owed.event_id, "label": owed.label, "timestamp": iso(known)}
        return Record(owed.key, msgspec.json.encode(fields), milliseconds(known))

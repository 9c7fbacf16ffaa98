"""Messages that are no events of a project, in the ways in which real ones fail to be."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from flows.projects.spec import Project
from scripts import streams
from scripts.kafka import Record
from scripts.records import EventReader

Damage = Callable[[Project, dict[str, Any]], bytes]

_encode = msgspec.json.encode

KINDS: dict[str, Damage] = {
    "cut off": lambda _, event: _encode(event)[:-7],
    "empty": lambda *_: b"",
    "two values": lambda _, event: _encode(event) * 2,
    "no UTF-8": lambda _, event: _encode(event).replace(b'":"', b'":"\xff', 1),
    "no object": lambda _, event: _encode([event]),
    "a field is missing": lambda project, event: _encode(_without(event, project.event_id)),
    "another type": lambda project, event: _encode({**event, project.event_id: {}}),
    "no time": lambda project, event: _encode({**event, project.time: "yesterday"}),
}


def mixed(project: Project, events: int, every: int, seed: int) -> Iterator[tuple[Record, bool]]:
    """Generated events as messages, about one in `every` damaged, and whether it is whole.

    The same arguments give the same messages. A damaged one keeps its key and time.
    """
    rng = random.Random(f"damage/{seed}")  # noqa: S311 - repeatable, not secret
    reader, kinds = EventReader(project), list(KINDS.values())
    for event in streams.events(project.slug, seed=seed, count=events):
        record = reader.read(_encode(event)).record
        whole = rng.random() * every >= 1
        if not whole:
            record = Record(record.key, rng.choice(kinds)(project, event), record.time_ms)
        yield record, whole


def _without(event: dict[str, Any], field: str) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name != field}

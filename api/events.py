"""Events as people send them for a prediction: without a label, perhaps without ids and time."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import msgspec

from api.bodies import InvalidBody, convert, decode, decode_object
from api.ids import new_id
from flows.projects.forms import form_fields, random_event
from flows.projects.spec import Project

MOST_EVENTS = 1_000


class EventReader:
    """Reads one project's events; ids and the time are filled in where they are missing."""

    def __init__(self, project: Project) -> None:
        fields = form_fields(project.event, hidden=project.hidden)
        ids = [field.path for field in fields if field.kind == "id" and "." not in field.path]
        self.ids = tuple(dict.fromkeys([project.event_id, *ids]))
        self.made_up = tuple(dict.fromkeys([*self.ids, project.time]))
        self._project = project
        self._nothing_known = dict.fromkeys(project.unknown)
        self._decode = msgspec.json.Decoder(project.event).decode
        required = {field.name for field in msgspec.structs.fields(project.event) if field.required}
        self._is_straight = required.issuperset(self.made_up)

    def read(self, body: bytes) -> Any:
        """Decode an event; its label is ignored. Raises InvalidBody with the field's path."""
        event = self._complete(body) if self._is_straight else None
        return self.event(decode_object(body)) if event is None else event

    def read_any(self, body: bytes) -> tuple[list[Any], bool]:
        """Decode an event, or a list of at most MOST_EVENTS; tells whether it was a list.

        Raises InvalidBody with the event's index and the field's path.
        """
        if body.lstrip()[:1] != b"[":
            return [self.read(body)], False
        values = decode(body, list[Any])
        if not 0 < len(values) <= MOST_EVENTS:
            raise InvalidBody("", f"{len(values)} events; send 1 to {MOST_EVENTS}")
        return self.events(values), True

    def events(self, values: list[Any]) -> list[Any]:
        """Make events of decoded JSON. Raises InvalidBody with the event's index."""
        return [self._numbered(number, one) for number, one in enumerate(values)]

    def event(self, values: dict[str, Any]) -> Any:
        """Make an event of decoded JSON. Raises InvalidBody with the field's path."""
        for name in self._project.unknown:
            values.pop(name, None)
        for name in self.ids:
            if name not in values:
                values[name] = new_id()
        if self._project.time not in values:
            values[self._project.time] = datetime.now(UTC).isoformat()
        return convert(values, self._project.event)

    def _complete(self, body: bytes) -> Any | None:
        """Decode an event that lacks nothing; None for any other."""
        try:
            event = self._decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        for name in self._nothing_known:
            if getattr(event, name) is not None:
                return msgspec.structs.replace(event, **self._nothing_known)
        return event

    def _numbered(self, number: int, values: Any) -> Any:
        try:
            if not isinstance(values, dict):
                raise InvalidBody("", "is no object; send events")
            return self.event(values)
        except InvalidBody as error:
            place = ".".join(filter(None, (str(number), error.location)))
            raise InvalidBody(place, error.message) from None


def example(project: Project) -> dict[str, Any]:
    """Draw an event for the documentation; the same at every start, without ids and time."""
    event = random_event(project.event, random.Random(0), hidden=project.hidden)  # noqa: S311
    made_up = EventReader(project).made_up
    return {name: value for name, value in event.items() if name not in made_up}

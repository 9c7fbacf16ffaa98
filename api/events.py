"""Events as people send them for a prediction: without a label, perhaps without ids and time."""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime
from typing import Any

from api.bodies import convert, decode_object
from flows.projects.forms import form_fields, random_event
from flows.projects.spec import Project


class EventReader:
    """Reads one project's events; ids and the time are filled in where they are missing."""

    def __init__(self, project: Project) -> None:
        fields = form_fields(project.event, hidden=project.hidden)
        ids = [field.path for field in fields if field.kind == "id" and "." not in field.path]
        self.ids = tuple(dict.fromkeys([project.event_id, *ids]))
        self._project = project

    def read(self, body: bytes) -> Any:
        """Decode an event; its label is ignored. Raises InvalidBody with the field's path."""
        values = decode_object(body)
        for name in self._project.unknown:
            values.pop(name, None)
        for name in self.ids:
            if name not in values:
                values[name] = str(uuid.uuid4())
        if self._project.time not in values:
            values[self._project.time] = datetime.now(UTC).isoformat()
        return convert(values, self._project.event)


def example(project: Project) -> dict[str, Any]:
    """Draw an event for the documentation; the same at every start, without ids and time."""
    event = random_event(project.event, random.Random(0), hidden=project.hidden)  # noqa: S311
    made_up = {*EventReader(project).ids, project.time}
    return {name: value for name, value in event.items() if name not in made_up}

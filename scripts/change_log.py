"""Tells of every change of a generated stream, and of what is true of its events."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from flows.errors import EventError
from flows.projects.spec import Project
from scripts.kafka import Record
from scripts.records import Read, milliseconds
from scripts.streams import Change, Controls
from scripts.streams.stream import iso


def changes_topic(project: Project) -> str:
    """Where the changes of a project's generated stream are told."""
    return f"{project.topic}_changes"


class Lines:
    """A file of JSON, a line each; none for no path. Raises EventError if it cannot be opened."""

    def __init__(self, path: Path | None) -> None:
        try:
            self._file = None if path is None else path.open("ab")
        except OSError as error:
            raise EventError(f"cannot write {path}: {error.strerror}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, value: dict[str, Any]) -> None:
        """Append a line."""
        if self._file is not None:
            self._file.write(msgspec.json.encode(value) + b"\n")

    def flush(self) -> None:
        """Let others see what was added."""
        if self._file is not None:
            self._file.flush()


class Chronicle:
    """Writes down changes as they come to hold, and the truth of each event.

    A change is `{event_number, time, event_id, what, ...}`: the first event that it holds for,
    what it is of (drift, scenario, anomalies) and how it is now.
    """

    def __init__(self, project: Project, controls: Controls, changes: Lines, truths: Lines) -> None:
        self._project = project
        self._controls = controls
        self._changes = changes
        self._truths = truths

    def note(self, read: Read) -> list[tuple[Change, Record]]:
        """Take in an event that is sent; returns its changes, as to tell on their topic, too."""
        event_id = getattr(read.event, self._project.event_id)
        self._truths.add({"event_id": event_id, **(read.truth or {})})
        changes = self._controls.take_changes()
        return [(change, self._tell(change, read, event_id)) for change in changes]

    def flush(self) -> None:
        """Let others see what was written."""
        self._changes.flush()
        self._truths.flush()

    def _tell(self, change: Change, read: Read, event_id: str) -> Record:
        time = getattr(read.event, self._project.time)
        fields = {
            "event_number": change.event_number,
            "time": iso(time),
            "event_id": event_id,
            "what": change.what,
            **change.details,
        }
        self._changes.add(fields)
        self._changes.flush()
        return Record(change.what.encode(), msgspec.json.encode(fields), milliseconds(time))

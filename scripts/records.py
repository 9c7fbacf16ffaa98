"""Events as Kafka records: checked, keyed by their entity, dated by their time."""

from __future__ import annotations

import os
import select
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from flows.errors import EventError
from flows.projects.spec import Project
from scripts.kafka import Record
from scripts.stop import Stop

CHUNK_BYTES = 1 << 20
WAIT_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Read:
    """A record and, unless it is none, the event that it carries; of a generated one, the truth."""

    record: Record
    event: Any | None
    truth: Mapping[str, Any] | None = None


class EventReader:
    """Makes records of what a project's events are written in."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._decoder = msgspec.json.Decoder(project.event)

    def read(self, value: bytes, truth: Mapping[str, Any] | None = None) -> Read:
        """Take an event as JSON. Raises EventError with the reason when it is none."""
        try:
            event = self._decoder.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise EventError(str(error)) from None
        return Read(self.record(event, value), event, truth)

    def read_raw(self, value: bytes) -> Read:
        """Take any bytes; what is no event has no key and no time."""
        try:
            return self.read(value)
        except EventError:
            return Read(Record(None, value), None)

    def record(self, event: Any, value: bytes) -> Record:
        """Key and date a value as its event says."""
        key = self.project.key(event).encode()
        return Record(key, value, milliseconds(getattr(event, self.project.time)))


def milliseconds(time: datetime) -> int:
    """Kafka's timestamp of a time; 0, which means now, for what lies before 1970."""
    return max(0, int(time.timestamp() * 1000))


def read_lines(
    source: str, read: Callable[[bytes], Read], stop: Stop, idle: Callable[[], None]
) -> Iterator[Read]:
    """Read every line of a file, or of standard input for `-`; calls `idle` while none comes.

    A file is read through once before its first line is given, so that a fault is found before
    anything is sent. Raises EventError with the number of the line at fault and the reason, or
    that the file cannot be read.
    """
    if source == "-":
        return _read_each(lines(sys.stdin.fileno(), stop, idle), read, "standard input")
    path = Path(source)
    if path.is_file():
        deque(_read_file(path, read, stop, idle), maxlen=0)
    return _read_file(path, read, stop, idle)


def lines(descriptor: int, stop: Stop, idle: Callable[[], None]) -> Iterator[bytes]:
    """Lines of a file or pipe until it ends or a stop is requested."""
    rest = b""
    while not stop.requested:
        if not select.select([descriptor], [], [], WAIT_SECONDS)[0]:
            idle()
            continue
        chunk = os.read(descriptor, CHUNK_BYTES)
        if not chunk:
            break
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest and not stop.requested:
        yield rest


def _read_file(
    path: Path, read: Callable[[bytes], Read], stop: Stop, idle: Callable[[], None]
) -> Iterator[Read]:
    try:
        with path.open("rb") as file:
            yield from _read_each(lines(file.fileno(), stop, idle), read, str(path))
    except OSError as error:
        raise EventError(f"cannot read {path}: {error.strerror}; check --input") from None


def _read_each(
    lines: Iterator[bytes], read: Callable[[bytes], Read], source: str
) -> Iterator[Read]:
    for number, line in enumerate(lines, 1):
        try:
            yield read(line)
        except EventError as error:
            raise EventError(f"{source}, line {number}: {error}; mend it or use --raw") from None

"""Dead letters as they are on their topic, and where in them the fault is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from confluent_kafka import Message

from flows.projects.spec import Project
from flows.settings import Settings
from flows.streaming.cluster import partition_counts
from flows.streaming.log_reader import read_to_end
from flows.streaming.sent_letters import PREFIX

AROUND = 30

Id = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that was refused. `id`: its partition and offset among the dead letters.

    `timestamp`: of the message, in milliseconds since 1970; 0 where it is not known. `omitted`:
    the size of a value that was too large to be kept.
    """

    id: Id
    time: datetime | None
    reason: str
    detail: str
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes
    omitted: int | None
    headers: dict[str, str]

    @property
    def origin(self) -> str:
        """Where the message is, or was."""
        return f"{self.topic}/{self.partition}/{self.offset}"


def read_letters(settings: Settings, project: Project) -> Iterator[Letter]:
    """All dead letters of a project, oldest first within a partition. Raises BrokerError."""
    topic = project.dead_letters_topic
    for partition in range(partition_counts(settings, [topic])[topic]):
        for message in read_to_end(settings, topic, partition):
            yield letter_of(message)


def letter_of(message: Message) -> Letter:
    """Make a letter of a message of the dead letters' topic; what it does not tell stays empty."""
    headers = {name: _text(value) for name, value in dict(message.headers() or []).items()}
    told = {name.removeprefix(PREFIX): value for name, value in headers.items()}
    milliseconds = message.timestamp()[1]
    omitted = told.get("omitted")
    return Letter(
        id=(message.partition() or 0, message.offset() or 0),
        time=datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds > 0 else None,
        reason=told.get("exception", "unknown"),
        detail=told.get("message", ""),
        topic=told.get("topic", ""),
        partition=_number(told.get("partition"), -1),
        offset=_number(told.get("offset"), -1),
        timestamp=max(0, _number(told.get("timestamp"), 0)),
        key=_bytes(message.key()),
        value=_bytes(message.value()) or b"",
        omitted=None if omitted is None else _number(omitted, 0),
        headers=headers,
    )


def fault_of(letter: Letter) -> str:
    """Show the place in the value that the reason speaks of, as far as it names one."""
    if at := re.search(r"\(byte (\d+)\)", letter.detail):
        return _around(letter.value, int(at[1]))
    path = re.search(r"at `(\$[^`]*)`$", letter.detail)
    steps = re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", path[1] if path else "$")
    try:
        found: Any = msgspec.json.decode(letter.value)
        for name, index in steps:
            found = found[int(index) if index else name]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, LookupError, TypeError):
        return ""
    return f"{path[1]} is {msgspec.json.encode(found).decode()}" if path else ""


def _around(value: bytes, at: int) -> str:
    """The bytes around one of them, with a mark under it."""
    before = repr(value[max(0, at - AROUND) : at])[2:-1]
    return f"{before}{repr(value[at : at + AROUND])[2:-1]}\n{' ' * len(before)}^ byte {at}"


def shown(value: bytes) -> str:
    """A value for the eye: JSON over several lines, text as it is, other bytes as Python's."""
    try:
        return msgspec.json.format(value, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return value.decode()
    except UnicodeDecodeError:
        return repr(value)


def _number(text: str | None, otherwise: int) -> int:
    try:
        return otherwise if text is None else int(text)
    except ValueError:
        return otherwise


def _text(value: str | bytes | None) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value or ""


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value

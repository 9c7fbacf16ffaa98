"""Making events of dead letters: by the same small change to many, or one by one in a file."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from flows.errors import EventError
from scripts.letters import Id, Letter

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mending:
    """Changes to values: corrected ones from a file, then renames, drops and sets, in that order.

    Fields are named by paths with dots. What a value lacks is not renamed or dropped.
    """

    renames: Sequence[tuple[str, str]] = ()
    drops: Sequence[str] = ()
    sets: Sequence[tuple[str, Any]] = ()
    edits: Mapping[Id, bytes] = field(default_factory=dict)

    def apply(self, letter: Letter) -> bytes:
        """The mended value; the very bytes where nothing is to change. Raises EventError."""
        if letter.omitted is not None and letter.id not in self.edits:
            raise EventError(
                f"its {letter.omitted} bytes were too many to be kept; they are at {letter.origin}"
            )
        value = self.edits.get(letter.id, letter.value)
        if not (self.renames or self.drops or self.sets):
            return value
        fields = _fields(value)
        for old, new in self.renames:
            holder, name = _holder(fields, old)
            if name in holder:
                _put(fields, new, holder.pop(name))
        for path in self.drops:
            holder, name = _holder(fields, path)
            holder.pop(name, None)
        for path, wanted in self.sets:
            _put(fields, path, wanted)
        return msgspec.json.encode(fields)


def parse_set(text: str) -> tuple[str, Any]:
    """Read `path=JSON`. Raises ValueError."""
    path, equals, value = text.partition("=")
    if not (path and equals):
        raise ValueError(f"{text!r} is not field=value")
    try:
        return path, msgspec.json.decode(value)
    except msgspec.DecodeError:
        raise ValueError(f"{value!r} is no JSON; text needs quotes: '{path}=\"{value}\"'") from None


def parse_rename(text: str) -> tuple[str, str]:
    """Read `old=new`. Raises ValueError."""
    old, _, new = text.partition("=")
    if not (old and new):
        raise ValueError(f"{text!r} is not old=new")
    return old, new


def export(letters: Iterable[Letter], path: Path) -> int:
    """Write letters to a file for correction, one line of JSON each; returns how many."""
    lines = [json.dumps(_line(letter), ensure_ascii=False) for letter in letters]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return len(lines)


def read_edits(path: Path) -> dict[Id, bytes]:
    """Values by letter, from a file that `export` has made and someone has corrected.

    Raises EventError with the number of the line at fault.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise EventError(f"cannot read {path}: {error}; check --edit") from None
    edits = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                letter, value = _edit(line)
            except (ValueError, KeyError, TypeError) as error:
                raise EventError(
                    f"{path}, line {number}: {error!r}; each needs partition, offset,"
                    " and one of value (JSON), text or base64"
                ) from None
            edits[letter] = value
    return edits


def _line(letter: Letter) -> Fields:
    partition, offset = letter.id
    told = {"partition": partition, "offset": offset, "reason": letter.reason}
    return {**told, "detail": letter.detail, "origin": letter.origin, **_value(letter.value)}


def _value(value: bytes) -> Fields:
    """A value as JSON where it is that, so that it is easy to correct; else as text or base64."""
    try:
        return {"value": msgspec.json.decode(value)}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return {"text": value.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _edit(line: str) -> tuple[Id, bytes]:
    told = msgspec.json.decode(line)
    letter = (int(told["partition"]), int(told["offset"]))
    if "text" in told:
        return letter, str(told["text"]).encode()
    if "base64" in told:
        return letter, base64.b64decode(told["base64"], validate=True)
    return letter, msgspec.json.encode(told["value"])


def _fields(value: bytes) -> Fields:
    try:
        fields = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EventError(f"{error}: its fields cannot be changed; use export and --edit") from None
    if not isinstance(fields, dict):
        raise EventError("it is JSON without fields; use export and --edit")
    return fields


def _holder(fields: Fields, path: str) -> tuple[Fields, str]:
    """The object in which a path ends; an empty one where there is none."""
    *outer, name = path.split(".")
    for step in outer:
        found = fields.get(step)
        fields = found if isinstance(found, dict) else {}
    return fields, name


def _put(fields: Fields, path: str, value: Any) -> None:
    *outer, name = path.split(".")
    for step in outer:
        if not isinstance(fields.get(step), dict):
            fields[step] = {}
        fields = fields[step]
    fields[name] = value

"""How a keeper passes on what its processes say: by name to people, as JSON to machines."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime

import msgspec

from flows.settings import Settings
from scripts.local.child import Emit

_BAD = re.compile(r"error|panicked|traceback|fatal", re.IGNORECASE)


def relay_of(settings: Settings) -> Emit:
    """What writes a line to stdout in the form that the settings ask for."""
    return _for_machines if settings.log_format == "json" else for_people


def for_people(name: str, line: str) -> None:
    """The line behind its process' name."""
    _write(f"{name} │ {line}")


def _for_machines(name: str, line: str) -> None:
    """A line of JSON as it is; any other, such as of a traceback that nobody caught, inside one."""
    _write(line if _is_json(line) else enclosed(name, line))


def enclosed(name: str, line: str) -> str:
    """The text as a line of JSON of that logger."""
    told = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": "ERROR" if _BAD.search(line) else "INFO",
        "logger": name,
        "message": line,
    }
    return msgspec.json.encode(told).decode()


def _is_json(line: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(line), dict)
    except msgspec.DecodeError:
        return False


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

"""What people see: prefixed lines, in colour on a terminal, and a log file for each part."""

from __future__ import annotations

import contextlib
import zlib
from pathlib import Path
from typing import TextIO

OURS = "up"
COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)


class Console:
    """Writes lines to `stream` behind the name of their part, and to `directory`/<name>.log."""

    def __init__(self, stream: TextIO, directory: Path, width: int, colour: bool) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._stream = stream
        self._directory = directory
        self._width = width
        self._colour = colour
        self._logs: dict[str, TextIO] = {}

    def line(self, name: str, text: str) -> None:
        """One line of a part."""
        self._log(name).write(f"{text}\n")
        # A reader that has gone away, as in `| head`, is no reason to stop the platform.
        with contextlib.suppress(BrokenPipeError):
            self._stream.write(f"{self._prefix(name)} {text}\n")
            self._stream.flush()

    def say(self, text: str) -> None:
        """One or more lines of our own."""
        for line in text.splitlines():
            self.line(OURS, line)

    def close(self) -> None:
        for log in self._logs.values():
            log.close()

    def _prefix(self, name: str) -> str:
        padded = f"{name:<{self._width}} │"
        return f"\x1b[{_colour(name)}m{padded}\x1b[0m" if self._colour else padded

    def _log(self, name: str) -> TextIO:
        if name not in self._logs:
            path = self._directory / f"{name}.log"
            self._logs[name] = path.open("w", buffering=1, encoding="utf-8")
        return self._logs[name]


def table(rows: dict[str, str]) -> str:
    """Two aligned columns."""
    width = max(map(len, rows))
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in rows.items())


def _colour(name: str) -> int:
    return 1 if name == OURS else COLOURS[zlib.crc32(name.encode()) % len(COLOURS)]

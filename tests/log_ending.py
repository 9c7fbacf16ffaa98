"""What a process said last."""

from __future__ import annotations

from pathlib import Path

LONGEST = 4_000
"""Characters that a failed test tells of a log: whoever reads many still finds the reason."""


def ending(log: Path) -> str:
    """The last characters of a log."""
    return log.read_text()[-LONGEST:]

"""Random ids, many of which are made at a time: asking the kernel for each costs more than it."""

from __future__ import annotations

import os

MADE_AT_ONCE = 256
_SIZE = 16
_VARIANTS = "89ab"

_ready: list[str] = []


def new_id() -> str:
    """A random UUID (version 4) as text; no other process or thread gets the same."""
    try:
        return _ready.pop()
    except IndexError:
        made = _make(MADE_AT_ONCE)
        _ready.extend(made[1:])
        return made[0]


def _make(count: int) -> list[str]:
    digits = os.urandom(count * _SIZE).hex()
    return [_uuid(digits[at : at + 2 * _SIZE]) for at in range(0, len(digits), 2 * _SIZE)]


def _uuid(digits: str) -> str:
    variant = _VARIANTS[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

"""Ends process groups when whoever started them is gone, even by SIGKILL.

The supervisor holds the only writing end of this process's standard input and says `+PGID` when
it starts a group and `-PGID` when it has seen its end. The kernel closes that end when the
supervisor dies, however it dies; what is still held then gets SIGTERM, and SIGKILL after a grace.
Unlike a parent-death signal this reaches grandchildren too, and works on macOS.

Run as a file, with nothing imported but the standard library, to stay small.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

GRACE_SECONDS = 20.0


def main() -> None:
    held: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line[0] == "+":
            held.add(group)
        else:
            held.discard(group)
    end(held)


def end(groups: set[int]) -> None:
    """Ask all groups to end, wait for them, and kill what is left."""
    _send(groups, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while _alive(groups) and time.monotonic() < deadline:
        time.sleep(0.1)
    _send(groups, signal.SIGKILL)


def _send(groups: set[int], number: int) -> None:
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def _alive(groups: set[int]) -> bool:
    return any(_exists(group) for group in groups)


def _exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    main()

"""Finding out that a port is taken before anything is started."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterable, Iterator
from itertools import cycle
from typing import TYPE_CHECKING

from flows.errors import RealtimeError

if TYPE_CHECKING:  # asking for a free port is quick: it loads neither stores nor models
    from scripts.local.child import Part

FIRST, LAST = 10_000, 32_000
"""Whence free ports are taken: Linux gives connections those from 32 768 on, others from 49 152."""


class PortTaken(RealtimeError):
    """Something else listens where a part would."""


def check(parts: Iterable[Part]) -> None:
    """Raise PortTaken, naming every part whose port is taken and the setting that moves it."""
    wanted = [(part, part.port) for part in parts if part.port is not None]
    taken = [_explain(part, port) for part, port in wanted if not is_free(port)]
    twice = [_explain_twice(part, port, wanted) for part, port in wanted]
    if problems := taken or [text for text in twice if text]:
        raise PortTaken("\n".join(problems))


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # As servers do, so that connections that linger from the last start are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _explain(part: Part, port: int) -> str:
    return (
        f"port {port} for {part.name} is taken by another process:"
        f" stop that process, or set {part.setting} to another port"
    )


def _explain_twice(part: Part, port: int, wanted: list[tuple[Part, int]]) -> str:
    others = [other.name for other, number in wanted if number == port and other is not part]
    names = ", ".join(others)
    return f"port {port} for {part.name} is also that of {names}: set {part.setting}" * bool(others)


def free_port(count: int = 1) -> int:
    """The first of `count` loopback ports in a row that nothing listens on now.

    They lie below those that systems give to connections, so no connection takes one before the
    server does that it is for. A process is not told of a port twice before all were had.
    """
    for _ in range(LAST - FIRST):
        found = next(_CANDIDATES)
        if found + count <= LAST and all(map(is_free, range(found, found + count))):
            for _ in range(count - 1):
                next(_CANDIDATES)
            return found
    raise PortTaken(f"no {count} ports in a row are free from {FIRST} to {LAST}")


def _candidates() -> Iterator[int]:
    start = secrets.randbelow(LAST - FIRST)  # processes side by side begin at different places
    return cycle([*range(FIRST + start, LAST), *range(FIRST, FIRST + start)])


_CANDIDATES = _candidates()

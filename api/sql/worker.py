"""`python -m api.sql.worker FD`: a process that answers one query after the other, by a socket."""

from __future__ import annotations

import os
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from api.sql.confinement import bound, confine
from api.sql.messages import RESERVED_MB, Request, Setup, Started, seconds_of

FILE = "file://"
PATIENCE = 1.3
"""How many times the limit of a query after which the process ends itself."""


def main() -> None:
    """Confine this process, then answer until the other side is gone."""
    connection: Connection = Connection(int(sys.argv[1]))
    setup = msgspec.msgpack.decode(connection.recv_bytes(), type=Setup)
    bound((RESERVED_MB + setup.room) * 1_000_000)
    elsewhere = "://" in setup.lake and not setup.lake.startswith(FILE)
    lake = None if elsewhere else Path(setup.lake.removeprefix(FILE)).resolve()
    held = lake is None or lake.is_dir()
    confined = confine([lake] if lake else [], [Path(setup.temp)], network=elsewhere)
    if lake is not None and held:
        os.chdir(lake)  # paths within the lake are all that a query can come to know
    from api.sql.answering import Answering

    answering = Answering(setup)
    connection.send_bytes(msgspec.msgpack.encode(Started(confined=confined, lasts=held)))
    while (request := _next(connection)) is not None:
        with _Ending(seconds_of(setup, request) * PATIENCE):
            reply = answering.answer(request)
        connection.send_bytes(msgspec.msgpack.encode(reply))


def _next(connection: Connection) -> Request | None:
    try:
        request: Request = msgspec.msgpack.decode(connection.recv_bytes(), type=Request)
    except (EOFError, ConnectionError):
        return None
    return request


class _Ending:
    """Ends the process after so many seconds, should nobody else do."""

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, os._exit, (1,))
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


if __name__ == "__main__":
    main()

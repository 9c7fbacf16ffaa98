"""`python -m flows.pictures.worker FD`: a process that draws one picture after the other."""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

import msgspec

from flows.pictures.rendering import Form, prepare, render

_log = logging.getLogger("flows")


class Wanted(msgspec.Struct, frozen=True):
    """A picture: the function that makes its element, by its dotted name, of data in msgpack."""

    function: str
    data: bytes
    form: Form


class Drawn(msgspec.Struct, frozen=True):
    """A picture, or why there is none."""

    picture: bytes
    failure: str = ""


def draw(wanted: Wanted) -> Drawn:
    """Make the element and draw it; what fails is told."""
    module, _, name = wanted.function.rpartition(".")
    try:
        make: Any = getattr(import_module(module), name)
        return Drawn(render(make(msgspec.msgpack.decode(wanted.data)), wanted.form))
    except Exception as error:
        _log.exception("a picture by %s cannot be drawn", wanted.function)
        return Drawn(b"", f"{type(error).__name__}: {error}")


def main() -> None:
    """Draw until the other side is gone."""
    connection: Connection = Connection(int(sys.argv[1]))
    prepare()
    connection.send_bytes(b"ready")
    while True:
        try:
            wanted = msgspec.msgpack.decode(connection.recv_bytes(), type=Wanted)
        except (EOFError, ConnectionError):
            return
        connection.send_bytes(msgspec.msgpack.encode(draw(wanted)))


if __name__ == "__main__":
    main()

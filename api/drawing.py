"""Pictures as PNG and SVG, drawn in a process of their own, which is started with the first.

Drawing holds the interpreter for up to a second and loads what the API needs for nothing else.
"""

from __future__ import annotations

import os
import threading
from typing import Any, Literal

import msgspec

from api.piped import PipedProcess
from flows.errors import RealtimeError

START_SECONDS = 60.0
SECONDS = 30.0

Form = Literal["png", "svg"]
MEDIA_TYPES: dict[str, Form] = {"image/png": "png", "image/svg+xml": "svg"}


class DrawingError(RealtimeError):
    """A picture cannot be drawn, or not now."""


class _Drawn(msgspec.Struct, frozen=True):
    picture: bytes
    failure: str = ""


class Drawer:
    """Draws one picture at a time. Raises DrawingError."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._turn = threading.Lock()
        self._process: _Process | None = None

    def draw(self, function: str, data: Any, form: Form) -> bytes:
        """Draw what a function of `flows.pictures`, by its dotted name, makes of plain data."""
        wanted = {"function": function, "data": msgspec.msgpack.encode(data), "form": form}
        if not self._turn.acquire(timeout=self._seconds):
            raise DrawingError("other pictures are drawn already; try again in a few seconds")
        try:
            drawn = self._ask(msgspec.msgpack.encode(wanted))
        finally:
            self._turn.release()
        if drawn.failure:
            raise DrawingError(f"the picture cannot be drawn: {drawn.failure}")
        return drawn.picture

    def stop(self) -> None:
        """End the process; the next picture starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.end()

    def _ask(self, wanted: bytes) -> _Drawn:
        if self._process is None or not self._process.lives():
            self.stop()
            self._process = _Process()
        try:
            return self._process.ask(wanted, self._seconds)
        except BaseException:
            self.stop()
            raise


class _Process(PipedProcess):
    def __init__(self) -> None:
        super().__init__("flows.pictures.worker", "realtime-pictures-", _environment)

    def ask(self, wanted: bytes, seconds: float) -> _Drawn:
        try:
            if not self._ready:
                self._receive(START_SECONDS)
                self._ready = True
            self._connection.send_bytes(wanted)
            return msgspec.msgpack.decode(self._receive(seconds), type=_Drawn)
        except (EOFError, ConnectionError):
            raise DrawingError("the process that draws ended; the API's log says why") from None

    def _receive(self, seconds: float) -> bytes:
        if not self._connection.poll(seconds):
            raise DrawingError(f"the picture took longer than {seconds:g} s; show less in it")
        return self._connection.recv_bytes()


def _environment(temp: str) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "HOME": temp,
        "MPLCONFIGDIR": temp,
        "OMP_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
    }

"""Each request has an id and leaves a line of JSON; each answer has the headers browsers heed."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import time
from datetime import UTC, datetime

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import documentation
from api.ids import new_id
from api.instruments import UNMEASURED
from flows import logs

DOCS = "/docs"
PAUSE_SECONDS = 0.05
_ID = re.compile(rb"[\w.-]{1,64}", re.ASCII)
_SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
]
_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
POLICIES = {DOCS: (b"content-security-policy", documentation.POLICY.encode())}
"""Pages of HTML, which have a style."""

_log = logging.getLogger("api.access")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One request, as it is logged; `path` is the route's template, so that no id is in it."""

    time: str
    level: str
    method: str
    path: str
    status: int
    ms: float
    request_id: str
    key: str | None


def log_to_stdout() -> None:
    """Let the lines be written as they are."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    _log.propagate = False


class Lines:
    """Lines on their way to the log, a few at a time: writing each costs as much as an answer."""

    def __init__(self) -> None:
        self._waiting: list[str] = []

    def add(self, line: str) -> None:
        """Write a line within PAUSE_SECONDS."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(PAUSE_SECONDS, self.flush)
        self._waiting.append(line)

    def flush(self) -> None:
        """Write all there are."""
        lines, self._waiting = self._waiting, []
        if lines:
            _log.info("\n".join(lines))


class AccessLog:
    """ASGI middleware; the outermost, so that refusals are logged as well."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._lines = Lines()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            try:
                await self._app(scope, receive, send)
            finally:
                self._lines.flush()
            return
        status, began, request_id = 500, time.perf_counter(), _request_id(scope)

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], *_SECURITY, (b"x-request-id", request_id)]
                headers.append(POLICIES.get(scope["path"], _POLICY))
                message = {**message, "headers": headers}
            await send(message)

        token = logs.REQUEST.set(request_id.decode())
        try:
            await self._app(scope, receive, marked)
        finally:
            logs.REQUEST.reset(token)
            if _log.isEnabledFor(logging.INFO) and scope["path"] not in UNMEASURED:
                self._lines.add(_line(scope, status, time.perf_counter() - began, request_id))


def _request_id(scope: Scope) -> bytes:
    """The id that the client gave, if it is a harmless one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _ID.fullmatch(value):
            return bytes(value)
    return new_id().encode()


def _line(scope: Scope, status: int, seconds: float, request_id: bytes) -> str:
    line = Line(
        time=datetime.now(UTC).isoformat(timespec="milliseconds"),
        level="ERROR" if status >= 500 else "INFO",
        method=scope["method"],
        path=getattr(scope.get("route"), "path", "none"),
        status=status,
        ms=round(seconds * 1000, 3),
        request_id=request_id.decode(),
        key=scope.get("caller"),
    )
    return msgspec.json.encode(line).decode()

"""Request bodies: JSON only, decoded strictly, with the offending field named."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec
from fastapi import HTTPException, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flows.errors import EventError

T = TypeVar("T")

LARGEST_BODY = 1_000_000

_PLACE = re.compile(r"(?s)(?P<message>.*?)(?: - at `\$\.?(?P<path>.*)`)?\Z")
_MISSING = re.compile(r"Object missing required field `(?P<name>.*)`")


class InvalidBody(EventError):
    """A request's body is JSON, but not what it should be. `location` is a dotted path."""

    def __init__(self, location: str, message: str) -> None:
        super().__init__(f"{location}: {message}" if location else message)
        self.location = location
        self.message = message


async def read_body(request: Request) -> bytes:
    """Read a JSON body. A web page of another origin cannot send this type without our consent."""
    # Not `request.headers`, which takes as long to make as an event to read.
    told = next((value for name, value in request.scope["headers"] if name == b"content-type"), b"")
    content_type = told.partition(b";")[0].strip().lower().decode("latin-1")
    if content_type != "application/json":
        raise HTTPException(415, f"content type {content_type!r}; send application/json")
    return await request.body()


def decode_object(body: bytes) -> dict[str, Any]:
    """Decode a JSON object. Raises HTTPException 400 for what is no JSON, else InvalidBody."""
    return decode(body, dict[str, Any])


def decode(body: bytes, kind: type[T]) -> T:
    """Decode JSON of a type. Raises HTTPException 400 for what is no JSON, else InvalidBody."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HTTPException(400, f"the body is no JSON: {error}") from None


def convert(values: dict[str, Any], kind: type[T]) -> T:
    """Make a struct of decoded JSON. Raises InvalidBody."""
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None


def _invalid(error: msgspec.ValidationError) -> InvalidBody:
    found = _PLACE.match(str(error))
    message, path = (found["message"], found["path"] or "") if found else (str(error), "")
    if missing := _MISSING.match(message):
        path, message = ".".join(filter(None, (path, missing["name"]))), "is missing"
    return InvalidBody(path, message)


class BodyLimit:
    """ASGI middleware: a body above LARGEST_BODY bytes is a 413 as soon as it is known."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        size = _declared_size(scope)
        received = 0

        async def bounded() -> Message:
            nonlocal received
            message = await receive() if size <= LARGEST_BODY else {"type": "http.request"}
            received += len(message.get("body", b""))
            if max(size, received) > LARGEST_BODY:
                raise HTTPException(413, f"the body is larger than {LARGEST_BODY} bytes")
            return message

        await self._app(scope, bounded, send)


def _declared_size(scope: Scope) -> int:
    value = dict(scope["headers"]).get(b"content-length", b"0")
    return int(value) if value.isdigit() else 0

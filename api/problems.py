"""Every error answer: `application/problem+json` of RFC 9457, never a stack trace.

`type` is `urn:realtime:problem:<name>` for what this platform knows, `about:blank` for plain HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import cast

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api.bodies import InvalidBody
from api.drawing import DrawingError
from api.sql.errors import SqlBusy, SqlError, SqlNotAllowed, SqlTimeout, SqlTooLarge
from flows.errors import (
    BrokerError,
    ConflictError,
    EventError,
    JobError,
    ModelUnavailable,
    ProjectError,
    RealtimeError,
    StoreError,
    VersionError,
)

MEDIA_TYPE = "application/problem+json"


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one value; `location` is its dotted path."""

    location: str
    message: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every error answer. `error` is `detail` once more, where the Open Inference
    Protocol asks for it."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldError] | msgspec.UnsetType = msgspec.UNSET
    error: str | msgspec.UnsetType = msgspec.UNSET


class _Kind(msgspec.Struct, frozen=True):
    name: str
    title: str
    status: int


_KINDS: dict[type[Exception], _Kind] = {
    ProjectError: _Kind("unknown-project", "Unknown project", 404),
    EventError: _Kind("invalid-body", "The body is not what it should be", 422),
    ModelUnavailable: _Kind("no-model", "No model yet", 503),
    VersionError: _Kind("unknown-version", "Unknown version", 404),
    JobError: _Kind("unknown-job", "Unknown job", 404),
    ConflictError: _Kind("conflict", "Another change comes first", 409),
    StoreError: _Kind("store-unavailable", "A store does not answer", 503),
    SqlError: _Kind("sql-error", "The query cannot be run", 422),
    SqlNotAllowed: _Kind("sql-not-allowed", "The query asks for more than to read", 403),
    SqlTimeout: _Kind("sql-timeout", "The query took too long", 422),
    SqlTooLarge: _Kind("sql-too-large", "The query took too much room", 422),
    DrawingError: _Kind("drawing-failed", "The picture cannot be drawn", 422),
    SqlBusy: _Kind("sql-busy", "Too many queries", 429),
    BrokerError: _Kind("broker-unavailable", "Kafka does not answer", 503),
}


def install(app: FastAPI) -> None:
    """Let the app answer every error as a problem."""
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(RealtimeError, _known_error)
    app.add_exception_handler(Exception, _unknown_error)


async def _http_error(request: Request, error: Exception) -> Response:
    error = cast(HTTPException, error)
    return plain(request, error.status_code, str(error.detail), error.headers)


async def _invalid_request(request: Request, error: Exception) -> Response:
    found = cast(RequestValidationError, error).errors()
    errors = [FieldError(".".join(map(str, item["loc"])), item["msg"]) for item in found]
    detail = "; ".join(f"{item.location}: {item.message}" for item in errors)
    return _answer(request, _Kind("invalid-request", "Invalid request", 422), detail, errors)


async def _known_error(request: Request, error: Exception) -> Response:
    kind = next((_KINDS[cls] for cls in type(error).__mro__ if cls in _KINDS), None)
    if kind is None:
        raise error
    errors = [FieldError(error.location, error.message)] if isinstance(error, InvalidBody) else ()
    return _answer(request, kind, str(error), errors)


async def _unknown_error(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return plain(request, 500, "The server failed; its log says why.")


def plain(
    request: Request, status: int, detail: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with what HTTP itself has a name for."""
    kind = _Kind("", HTTPStatus(status).phrase, status)
    return _answer(request, kind, detail, headers=headers)


def _answer(
    request: Request,
    kind: _Kind,
    detail: str,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    problem = Problem(
        type=f"urn:realtime:problem:{kind.name}" if kind.name else "about:blank",
        title=kind.title,
        status=kind.status,
        detail=detail,
        instance=request.url.path,
        errors=list(errors) or msgspec.UNSET,
        error=detail if request.url.path.startswith("/v2/") else msgspec.UNSET,
    )
    extra = {"Cache-Control": "no-store", **(headers or {})}
    if kind.status in (429, 503):
        extra.setdefault("Retry-After", "5")
    return Response(msgspec.json.encode(problem), kind.status, extra, MEDIA_TYPE)

"""The API over HTTP. What goes wrong is an answer too: a `Failure`, never an exception."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx2

from dashboard.instruments import Instruments

TIMEOUT = 5.0
UNREACHABLE = 0
NO_MODEL = ":no-model"
GATEWAY = (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer: an HTTP status, or UNREACHABLE; `errors` maps fields to messages."""

    status: int
    title: str
    detail: str
    errors: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_outage(self) -> bool:
        """Nobody answered, or only a gateway that found nobody."""
        return self.status == UNREACHABLE or self.status in GATEWAY

    @property
    def is_no_model(self) -> bool:
        """Nothing has been learned yet, which is no fault."""
        return str(self.body.get("type", "")).endswith(NO_MODEL)


Answer = dict[str, Any] | Failure
"""A JSON object, or why there is none."""


class Client:
    """Asks the API, with a key if it wants one; bound to the event loop of its first request."""

    def __init__(self, url: str, key: str = "") -> None:
        self.url = url
        self.instruments = Instruments()
        headers = {"X-API-Key": key} if key else {}
        self._http = httpx2.AsyncClient(base_url=url, headers=headers)

    async def get(self, path: str, timeout: float = TIMEOUT) -> Answer:
        """Read a resource; what takes longer than `timeout` seconds is an outage."""
        return await self._send("GET", path, timeout=timeout)

    async def post(self, path: str, body: dict[str, Any], timeout: float = TIMEOUT) -> Answer:
        """Send a JSON object; what takes longer than `timeout` seconds is an outage."""
        return await self._send("POST", path, body, timeout)

    async def put(self, path: str, body: dict[str, Any]) -> Answer:
        """Set a resource."""
        return await self._send("PUT", path, body)

    async def fetch(self, path: str, media_type: str, timeout: float = TIMEOUT) -> bytes | Failure:
        """Read a resource of another type than JSON."""
        headers = {"Accept": media_type}
        try:
            with self.instruments.read() as statuses:
                response = await self._http.get(path, headers=headers, timeout=timeout)
                statuses.append(response.status_code)
        except httpx2.HTTPError as error:
            return self._unreachable(error)
        if response.headers.get("content-type", "").startswith(media_type):
            return bytes(response.content)
        answer = _answer(response)
        if isinstance(answer, Failure):
            return answer
        return Failure(response.status_code, "The API answered in another form", media_type)

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.aclose()

    async def _send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        timeout: float = TIMEOUT,
    ) -> Answer:
        try:
            with self.instruments.read() as statuses:
                response = await self._http.request(method, path, json=body, timeout=timeout)
                statuses.append(response.status_code)
        except httpx2.HTTPError as error:
            return self._unreachable(error)
        return _answer(response)

    def _unreachable(self, error: Exception) -> Failure:
        reason = str(error) or type(error).__name__
        return Failure(UNREACHABLE, f"The API at {self.url} does not answer", reason)


def _answer(response: httpx2.Response) -> Answer:
    body = _json_object(response)
    if response.is_success and body is not None:
        return body
    body = body or {}
    return Failure(
        status=response.status_code,
        title=body.get("title") or f"The API answered {response.status_code}",
        detail=body.get("detail") or response.text[:200],
        errors=_field_errors(body.get("errors") or ()),
        body=body,
    )


def _json_object(response: httpx2.Response) -> dict[str, Any] | None:
    try:
        body = response.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _field_errors(errors: Any) -> dict[str, str]:
    return {_dotted(item.get("location", "")): item.get("message", "") for item in errors}


def _dotted(location: Any) -> str:
    """`location.lat`, from that or from `["body", "location", "lat"]`."""
    if isinstance(location, str):
        return location.removeprefix("body.")
    return ".".join(str(part) for part in location if part != "body")

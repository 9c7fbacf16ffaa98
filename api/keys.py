"""Who may do what: keys with scopes, of which the settings know only the hashes."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Mapping, Sequence

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.limits import Buckets
from api.problems import plain
from flows.errors import SettingsError
from flows.settings import ApiKey, KeyScope, Settings

PROD_RATE = 200.0
OPEN = {"/livez", "/readyz", "/docs", "/openapi.json", "/v2/health/live", "/v2/health/ready"}
MEASUREMENTS = "/metrics"
READS = ("/predict", "/infer", "/repository/index", "/sql")
"""Ends of the paths to which a POST only reads."""
WRITES = ("/labels", "/batch/jobs")
JOB = "/batch/jobs/"
"""Within the paths at which somebody cancels or repeats what may be ordered by a POST."""

_log = logging.getLogger("api")


def needed(method: str, path: str) -> KeyScope:
    """The scope a request needs; what is not known to need less needs admin."""
    path = path.rstrip("/")
    if method in ("GET", "HEAD") or (method == "POST" and path.endswith(READS)):
        return "read"
    writes = method == "POST" and (path.endswith(WRITES) or JOB in path)
    return "write" if writes else "admin"


def check(settings: Settings) -> None:
    """Raises SettingsError for production without keys; says in the log that there are none."""
    if settings.api_keys:
        return
    if settings.profile == "prod":
        raise SettingsError(
            "the prod profile has no default for REALTIME_API_KEYS;"
            " make a key with `python -m scripts.api_key NAME --scopes read`"
        )
    _log.warning("there are no API keys: everybody may do everything; set REALTIME_API_KEYS")


class Keys:
    """The keys of an installation."""

    def __init__(self, keys: Sequence[ApiKey]) -> None:
        self._keys = [(key.hash.lower().encode(), key) for key in keys]

    def find(self, headers: Mapping[str, str]) -> ApiKey | None:
        """The key that a request carries; takes as long whichever it is, or none."""
        shown = headers.get("x-api-key") or _bearer(headers.get("authorization", ""))
        digest = hashlib.sha256(shown.encode()).hexdigest().encode()
        found = None
        for known, key in self._keys:
            if hmac.compare_digest(known, digest):
                found = key
        return found


def _bearer(value: str) -> str:
    kind, _, key = value.partition(" ")
    return key.strip() if kind.lower() == "bearer" else ""


class Gate:
    """ASGI middleware: lets through who has a key with the scope and has not come too often.

    Leaves the key's name as `scope["caller"]`.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._keys = Keys(settings.api_keys) if settings.api_keys else None
        self._open = OPEN | ({MEASUREMENTS} if settings.api_metrics_open else set())
        rate = settings.api_rate
        if rate is None and settings.profile == "prod":
            rate = PROD_RATE
        self._buckets = Buckets(rate) if rate else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._open or _is_preflight(scope):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
            return
        status, detail, headers = refusal
        await plain(Request(scope), status, detail, headers)(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str, dict[str, str]] | None:
        """Why a request is not let through, with status and headers."""
        if self._keys is not None:
            key = self._keys.find(Headers(scope=scope))
            scope["caller"] = key.name if key else None
            wanted = needed(scope["method"], scope["path"])
            if key is not None and wanted not in key.scopes:
                return 403, f"key {key.name!r} lacks the scope {wanted!r}; use one that has it", {}
            if key is None:
                detail = "a known key is needed; send it as X-API-Key or Authorization: Bearer"
                return self._too_often(scope) or (401, detail, {"WWW-Authenticate": "Bearer"})
        return self._too_often(scope)

    def _too_often(self, scope: Scope) -> tuple[int, str, dict[str, str]] | None:
        if self._buckets is None:
            return None
        client = scope.get("client") or ("",)
        wait = self._buckets.take(scope.get("caller") or f"address {client[0]}")
        if wait is None:
            return None
        detail = f"more than {self._buckets.rate:g} requests a second; try again in {wait} s"
        return 429, detail, {"Retry-After": str(wait)}


def _is_preflight(scope: Scope) -> bool:
    """Browsers ask without a key whether they may ask with one."""
    return bool(scope["method"] == "OPTIONS")

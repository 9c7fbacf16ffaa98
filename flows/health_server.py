"""What others ask a process without pages of its own: measurements, and whether it is well."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import REGISTRY, CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from flows.errors import SettingsError

Check = Callable[[], str]
"""Says what is wrong; nothing when all is well."""

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Somebody asks every few seconds."""


class HealthServer(ThreadingWSGIServer):
    """Answers from threads of its own."""

    daemon_threads = True

    def close(self) -> None:
        """Answer no more."""
        self.shutdown()
        self.server_close()


def application(checks: Mapping[str, Check], registry: CollectorRegistry = REGISTRY) -> App:
    """Answers each check at its path, 200 or 503 with what is wrong; all else is measurements."""
    metrics = make_wsgi_app(registry)

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        check = checks.get(environ["PATH_INFO"])
        if check is None:
            answered: Iterable[bytes] = metrics(environ, start_response)
            return answered
        wrong = check()
        status = "503 Service Unavailable" if wrong else "200 OK"
        start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [f"{wrong or 'ok'}\n".encode()]

    return answer


def start(
    host: str,
    port: int,
    checks: Mapping[str, Check],
    registry: CollectorRegistry = REGISTRY,
    *,
    setting: str,
) -> HealthServer:
    """Answer from now on. Raises SettingsError, with what sets the port, if it is taken."""
    try:
        server = make_server(host, port, application(checks, registry), HealthServer, _Quiet)
    except OSError as error:
        raise SettingsError(
            f"cannot tell measurements at {host}:{port}: {error.strerror or error};"
            f" end what listens there, or give another {setting}"
        ) from error
    Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server

"""Real Prometheus and Alertmanager for tests, with the configuration that is deployed."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from tests.log_ending import ending

ROOT = Path(__file__).parents[1]
MONITORING = ROOT / "k8s/components/monitoring"
SECRETS = "/etc/secrets"
PATIENCE_SECONDS = 120
ALERTMANAGER = shutil.which("alertmanager") or shutil.which("prometheus-alertmanager")

has_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="no `prometheus`; install Debian's package"
)
has_alertmanager = pytest.mark.skipif(
    ALERTMANAGER is None or shutil.which("amtool") is None,
    reason="no Alertmanager with amtool; install Debian's prometheus-alertmanager",
)


def until(condition: Callable[[], Any], what: str | Callable[[], object]) -> None:
    """Wait for something that another process brings about; `what` may tell at the end."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        late = time.monotonic() > deadline
        assert not late, f"{what() if callable(what) else what} did not come to be"
        time.sleep(0.2)


@contextmanager
def running(command: list[str], url: str, log: Path) -> Iterator[str]:
    """A server that is ready, until the block ends."""
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            until(lambda: process.poll() is not None or _is_ready(f"{url}/-/ready"), command[0])
            assert process.poll() is None, ending(log)
            yield url
        finally:
            process.terminate()
            process.wait()


def completed(secrets: Path) -> str:
    """The configuration as the pod completes it from a directory of secrets."""
    found = yaml.safe_load((MONITORING / "alertmanager/complete.yaml").read_text("utf-8"))
    [prepares] = found["spec"]["template"]["spec"]["initContainers"]
    [script] = prepares["args"]
    target = secrets / "completed.yml"
    for there, here in (
        ("/etc/template/alertmanager.yml", MONITORING / "alertmanager/alertmanager.yml"),
        ("/etc/alertmanager/alertmanager.yml", target),
        (SECRETS, secrets),
    ):
        script = script.replace(there, str(here))
    subprocess.run([*prepares["command"], script], check=True)
    return target.read_text(encoding="utf-8")


def alertmanager_config(secrets: Path) -> str:
    """What is deployed, with the secrets of a directory.

    Debian's Alertmanager is older than the one that is deployed and does not know that addresses
    may be in files everywhere: it is given their contents.
    """
    text = completed(secrets)

    def content(found: re.Match[str]) -> str:
        return f"{found[1]}: {(secrets / found[2]).read_text()}"

    text = re.sub(rf"\b(url|webhook_url)_file: {SECRETS}/([a-z-]+)", content, text)
    return text.replace(SECRETS, str(secrets))


class Mailbox:
    """`with Mailbox() as mailbox`: an HTTP server that keeps what is posted to it."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Mailbox:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def got(self, path: str, text: str) -> bool:
        """Was something with that text posted there?"""
        return any(where == path and text in body for where, body in list(self.posted))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                outer.posted.append((self.path, self.rfile.read(length).decode()))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def _is_ready(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=10).is_success
    except httpx2.HTTPError:
        return False

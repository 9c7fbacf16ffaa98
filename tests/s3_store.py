"""`python -m tests.s3_store PORT`: moto's S3, one request at a time.

So that of two who write what is not there yet one is refused, as a store must: moto itself looks
first and writes later.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

from scripts.local.ports import free_port
from tests.flow_process import until


@contextmanager
def s3_store(log: Path, *buckets: str) -> Iterator[str]:
    """The URL of a new store with some buckets; what it is asked goes to `log`."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with log.open("wb") as output:
        argv = (sys.executable, "-m", "tests.s3_store", str(port))
        process = subprocess.Popen(argv, stdout=output, stderr=output)
    try:
        for bucket in buckets:
            until(lambda made=bucket: _is_made(f"{url}/{made}"), log.read_text)  # type: ignore[misc]
        yield url
    finally:
        process.kill()
        process.wait()


def _is_made(bucket: str) -> bool:
    try:
        return httpx2.put(bucket).status_code == 200
    except httpx2.TransportError:
        return False


def main(port: int) -> None:
    """Serve until the end."""
    moto: Any = DomainDispatcherApplication(create_backend_app)
    turn = threading.Lock()

    def in_turn(environ: Any, start_response: Any) -> Iterable[bytes]:
        with turn:
            return list(moto(environ, start_response))

    run_simple("127.0.0.1", port, in_turn, threaded=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))

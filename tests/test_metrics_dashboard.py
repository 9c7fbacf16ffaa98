"""What the dashboard tells Prometheus: pages that are open, and how the API answered them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import httpx2
import pytest

from dashboard.client import Client
from dashboard.instruments import ENDS
from scripts.local.ports import free_port
from tests.dashboard_parts import Site, site
from tests.http_server import HttpServer

PATIENCE_SECONDS = 120


def value(client: Client, name: str, **labels: str) -> float | None:
    return client.instruments.registry.get_sample_value(name, labels)


async def _ask(client: Client) -> None:
    await client.get("/")
    await client.close()


@pytest.mark.parametrize(
    ("status", "end"), [(200, "answered"), (404, "refused"), (503, "failed"), (0, "unreachable")]
)
def test_a_request_is_counted_by_its_end(status: int, end: str) -> None:
    if status:
        with HttpServer(lambda _: (status, "{}")) as server:
            client = Client(server.url)
            asyncio.run(_ask(client))
    else:
        client = Client(f"http://127.0.0.1:{free_port()}")
        asyncio.run(_ask(client))
    found = {one: value(client, "realtime_dashboard_reads_total", end=one) for one in ENDS}
    assert found == {one: float(one == end) for one in ENDS}
    assert value(client, "realtime_dashboard_read_duration_seconds_count") == 1


@pytest.fixture(scope="module")
def running(redis_url: str, unique: Callable[[str], str]) -> Iterator[Site]:
    """A dashboard with one project."""
    with site(redis_url, unique("fraud")) as running:
        yield running


def test_a_page_is_counted_while_it_is_open(running: Site) -> None:
    def sessions() -> str:
        lines = httpx2.get(f"{running.url}/metrics", timeout=PATIENCE_SECONDS).text.splitlines()
        return next(line for line in lines if line.startswith("realtime_dashboard_sessions "))

    assert sessions().endswith(" 0.0")
    assert httpx2.get(f"{running.url}/{running.project.slug}", timeout=PATIENCE_SECONDS).is_success
    assert sessions().endswith(" 1.0")


def test_prometheus_is_told_in_its_own_format(running: Site) -> None:
    answer = httpx2.get(f"{running.url}/metrics", timeout=PATIENCE_SECONDS)
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "process_resident_memory_bytes" in answer.text

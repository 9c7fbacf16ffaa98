from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from dashboard.client import Client, Failure
from dashboard.store import Store
from scripts.local.ports import free_port
from tests.http_server import HttpServer


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def run(url: str, work: Callable[[Store, Clock], Awaitable[Any]]) -> Any:
    async def once() -> Any:
        client, clock = Client(url), Clock()
        result = await work(Store(client, clock), clock)
        await client.close()
        return result

    return asyncio.run(once())


def ok(_path: str) -> tuple[int, str]:
    return 200, '{"slug": "fraud"}'


def test_any_number_of_sessions_cost_one_read_a_second() -> None:
    async def sessions(store: Store, clock: Clock) -> None:
        await asyncio.gather(*(store.project("fraud") for _ in range(20)))
        clock.now += 0.9
        await store.project("fraud")

    with HttpServer(ok) as server:
        run(server.url, sessions)
    assert server.asked == ["/projects/fraud"]


def test_next_second_is_read_again() -> None:
    async def twice(store: Store, clock: Clock) -> None:
        await store.project("fraud")
        clock.now += 1
        await store.project("fraud")

    with HttpServer(ok) as server:
        run(server.url, twice)
    assert server.asked == ["/projects/fraud"] * 2


def test_each_resource_is_read_by_itself() -> None:
    async def all_of_them(store: Store, _clock: Clock) -> None:
        await store.projects()
        await store.metrics("fraud")
        await store.history("fraud")
        await store.health()

    with HttpServer(ok) as server:
        run(server.url, all_of_them)
    assert server.asked == [
        "/projects",
        "/projects/fraud/metrics",
        "/projects/fraud/metrics/history?points=3000",
        "/readyz",
    ]


def test_session_that_leaves_does_not_cancel_the_others_read() -> None:
    async def leave(store: Store, _clock: Clock) -> Any:
        leaving = asyncio.ensure_future(store.project("fraud"))
        staying = asyncio.ensure_future(store.project("fraud"))
        await asyncio.sleep(0)
        leaving.cancel()
        return await staying

    with HttpServer(ok) as server:
        assert run(server.url, leave) == {"slug": "fraud"}


def test_outage_is_dated_by_its_first_failure() -> None:
    async def fail_twice(store: Store, clock: Clock) -> None:
        assert isinstance(await store.project("fraud"), Failure)
        first = store.down_since
        assert first is not None
        clock.now += 5
        assert isinstance(await store.project("fraud"), Failure)
        assert store.down_since == first

    run(f"http://127.0.0.1:{free_port()}", fail_twice)


def test_outage_ends_with_the_first_answer() -> None:
    replies = iter([(502, ""), (404, "{}")])

    async def come_back(store: Store, clock: Clock) -> None:
        await store.project("fraud")
        assert store.down_since is not None
        clock.now += 1
        await store.project("fraud")
        assert store.down_since is None

    with HttpServer(lambda _path: next(replies)) as server:
        run(server.url, come_back)

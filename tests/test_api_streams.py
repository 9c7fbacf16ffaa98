"""Facts as they change, to clients that read, that leave, and that are too many."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
import uvicorn

from api.__main__ import _Server
from api.app import create_app
from flows.projects import fraud
from flows.stores.connection import connect
from flows.stores.live import LiveStore
from tests.api_parts import learner_of, local, publication, until


@contextmanager
def running(redis_url: str) -> Iterator[tuple[str, uvicorn.Server, LiveStore]]:
    """A real server, as `python -m api` makes it, on a port of its own."""
    settings = local(redis_url)
    app = create_app(settings, {"fraud": fraud.PROJECT})
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = _Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=10))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        until(lambda: server.started, "the server")
        try:
            port = listener.getsockname()[1]
            client = connect(redis_url)
            yield f"http://127.0.0.1:{port}", server, LiveStore(client, "fraud")
        finally:
            if thread.is_alive():
                server.handle_exit(2, None)
            thread.join(30)
            client.close()
            assert not thread.is_alive()


@pytest.fixture
def empty_redis(redis_url: str) -> str:
    url = redis_url.removesuffix("/0") + "/2"
    client = connect(url)
    client.flushdb()
    client.close()
    return url


def events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """The data of each event."""
    for line in lines:
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def publish(store: LiveStore, count: int) -> None:
    made = publication(learner_of(fraud.PROJECT, count), local("redis://nowhere"))
    store.publish(made.facts, made.model)


def test_facts_are_sent_at_once_and_whenever_they_change(empty_redis: str) -> None:
    with (
        running(empty_redis) as (url, _, store),
        httpx2.stream("GET", f"{url}/projects/fraud/events", timeout=30) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        told = events(answer.iter_lines())
        first = next(told)
        assert (first["state"], first["version"]) == ("absent", None)
        publish(store, 100)
        assert next(one for one in told if one["version"])["events_learned"] == 100
        publish(store, 200)
        assert next(one for one in told if one["events_learned"] != 100)["events_learned"] == 200
        store.want("paused")
        assert next(one for one in told if one["wanted"] == "paused")
        store.want("running")


def test_a_client_that_leaves_is_forgotten(empty_redis: str) -> None:
    with running(empty_redis) as (url, server, _):
        streams = server.config.app.state.leave.__self__  # type: ignore[union-attr]
        with httpx2.stream("GET", f"{url}/projects/fraud/events", timeout=30) as answer:
            told = events(answer.iter_lines())
            next(told)
            assert streams.open_now == 1
        until(lambda: streams.open_now == 0, "the end of the stream")


def test_too_many_streams_are_refused(empty_redis: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.streams.MOST_STREAMS", 1)
    with (
        running(empty_redis) as (url, _, _store),
        httpx2.stream("GET", f"{url}/projects/fraud/events", timeout=30) as answer,
    ):
        told = events(answer.iter_lines())
        next(told)
        assert httpx2.get(f"{url}/projects/fraud/events", timeout=30).status_code == 503


def test_a_server_that_ends_ends_its_streams_in_order(empty_redis: str) -> None:
    with (
        running(empty_redis) as (url, server, _),
        httpx2.stream("GET", f"{url}/projects/fraud/events", timeout=30) as answer,
    ):
        lines = answer.iter_lines()
        next(events(lines))
        server.handle_exit(15, None)
        assert list(events(lines)) == []

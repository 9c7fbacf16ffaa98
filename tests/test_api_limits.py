"""Who comes too often waits; others do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from api import limits
from api.app import create_app
from api.limits import Buckets
from tests.api_parts import local
from tests.test_api_keys import key


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_holds_two_seconds_and_fills_again() -> None:
    clock = Clock()
    buckets = Buckets(5, clock)
    assert [buckets.take("a") for _ in range(10)] == [None] * 10
    assert buckets.take("a") == 1
    clock.now += 0.2
    assert buckets.take("a") is None
    assert buckets.take("a") == 1


def test_clients_have_buckets_of_their_own() -> None:
    buckets = Buckets(0.5, Clock())
    assert buckets.take("a") is None
    assert buckets.take("a") == 2
    assert buckets.take("b") is None


@given(st.lists(st.floats(0, 3), max_size=60), st.floats(0.5, 20))
def test_never_more_than_the_rate_and_a_bucket(pauses: list[float], rate: float) -> None:
    clock = Clock()
    buckets = Buckets(rate, clock)
    taken = 0
    for pause in pauses:
        clock.now += pause
        taken += buckets.take("a") is None
    assert taken <= max(1.0, 2 * rate) + rate * clock.now + 1e-6


def test_few_clients_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CLIENTS", 3)
    buckets = Buckets(0.5, Clock())
    for name in "abcd":
        buckets.take(name)
    assert len(buckets._held) == 3
    assert buckets.take("d") == 2
    assert buckets.take("a") is None


def test_too_many_requests_are_told_when_to_come_again(redis_url: str) -> None:
    with TestClient(create_app(local(redis_url, api_rate=0.5))) as client:
        assert client.get("/projects").status_code == 200
        answer = client.get("/projects")
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) in (1, 2)
        assert client.get("/livez").status_code == 200


def test_keys_are_limited_one_by_one(redis_url: str) -> None:
    keys = [key("a", "read"), key("b", "read")]
    with TestClient(create_app(local(redis_url, api_rate=0.5, api_keys=keys))) as client:
        asked = [("a", 200), ("a", 429), ("b", 200), ("nobody", 401), ("no one", 429)]
        for name, status in asked:
            assert client.get("/projects", headers={"X-API-Key": name}).status_code == status

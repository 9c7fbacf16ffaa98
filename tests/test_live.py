"""Live models in a real Valkey: newer ones win, whatever comes twice or too late."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from flows.errors import StoreError
from flows.stores.live import HISTORY_LENGTH, Facts, LiveStore, Point, Status, connect
from scripts.local.ports import free_port


@pytest.fixture
def redis_url(any_redis_url: str) -> str:
    """Every test here runs with each store."""
    return any_redis_url


@pytest.fixture
def store(redis_url: str, unique: Callable[[str], str]) -> Iterator[LiveStore]:
    client = connect(redis_url)
    yield LiveStore(client, unique("project"))
    client.close()


def facts(seen: int, *, generation: int = 1, shard: int = 0, **others: Any) -> Facts:
    values: dict[str, Any] = {
        "project": "fraud",
        "shard": shard,
        "lineage": 1,
        "generation": generation,
        "events_learned": seen,
        "version": f"1.{seen}",
        "published_at": 1e9 + seen,
        "event_time": None,
        "metrics": {"F1": seen / 1_000_000},
        "report": {"confusion_matrix": {"tp": seen}},
        "counts": {"events": seen, "labels": 0},
        "alarms": [],
    }
    return Facts(**{**values, **others})


def test_before_the_first_model_there_is_nothing(store: LiveStore) -> None:
    assert store.facts() is None
    assert store.model() is None
    assert store.history() == []
    assert store.status() is None
    assert store.wanted() == "running"


def test_a_model_comes_with_its_facts(store: LiveStore) -> None:
    sent = facts(5, alarms=[{"detector": "ADWIN"}], event_time=1.5)
    assert store.publish(sent, b"\x00bytes\xff") is True
    assert store.facts() == sent
    assert store.model() == (sent, b"\x00bytes\xff")


@pytest.mark.parametrize("again", [9, 10])
def test_an_older_count_never_replaces_a_newer_one(store: LiveStore, again: int) -> None:
    assert store.publish(facts(10), b"new")
    assert store.publish(facts(again), b"old") is False
    assert store.model() == (facts(10), b"new")
    assert len(store.history()) == 1


@pytest.mark.parametrize(("older", "newer"), [(9, 10), (99, 100), (999_999, 1_000_000)])
def test_counts_compare_as_numbers(store: LiveStore, older: int, newer: int) -> None:
    assert store.publish(facts(older), b"older")
    assert store.publish(facts(newer), b"newer")
    assert store.publish(facts(older), b"older") is False


def test_labels_count_as_seen(store: LiveStore) -> None:
    assert store.publish(facts(10), b"before")
    assert store.publish(facts(10, counts={"events": 10, "labels": 1}), b"after")
    assert store.publish(facts(10), b"before") is False


def test_a_newer_generation_wins_with_fewer_events(store: LiveStore) -> None:
    assert store.publish(facts(1_000, generation=1), b"first")
    assert store.publish(facts(1, generation=2), b"second")
    assert store.publish(facts(2_000, generation=1), b"first") is False
    assert store.model() == (facts(1, generation=2), b"second")


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 30)), min_size=1, max_size=20))
@tries(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_newest_of_any_sequence_is_live(
    redis_url: str, unique: Callable[[str], str], sent: list[tuple[int, int]]
) -> None:
    client = connect(redis_url)
    store = LiveStore(client, unique("sequence"))
    for generation, seen in sent:
        store.publish(facts(seen, generation=generation), b"%d %d" % (generation, seen))
    assert store.model() == (facts(max(sent)[1], generation=max(sent)[0]), b"%d %d" % max(sent))
    steps = [one.events_learned for one in store.history()]
    assert len(steps) == len(running_maxima(sent))
    client.close()


def running_maxima(sent: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for one in sent:
        if not found or one > found[-1]:
            found.append(one)
    return found


def test_history_is_in_order_and_without_repetition(store: LiveStore) -> None:
    for seen in (1, 2, 2, 1, 3):
        store.publish(facts(seen), b"")
    assert store.history() == [Point(i, 1e9 + i, {"F1": i / 1_000_000}) for i in (1, 2, 3)]
    assert [one.events_learned for one in store.history(points=2)] == [2, 3]


def test_history_keeps_the_newest_points_only(store: LiveStore) -> None:
    last = HISTORY_LENGTH + 500
    for seen in range(1, last + 1):
        store.publish(facts(seen), b"")
    history = store.history(points=10 * HISTORY_LENGTH)
    assert HISTORY_LENGTH <= len(history) < HISTORY_LENGTH + 200
    assert history[-1].events_learned == last


def test_shards_have_their_own_models(store: LiveStore) -> None:
    store.publish(facts(10), b"zero")
    store.publish(facts(5, shard=1), b"one")
    assert store.model(0) == (facts(10), b"zero")
    assert store.model(1) == (facts(5, shard=1), b"one")
    assert [len(store.history(shard)) for shard in (0, 1)] == [1, 1]


def test_a_change_is_announced_with_its_shard(store: LiveStore) -> None:
    changes = store.changes()
    assert next(changes) is None
    store.publish(facts(1, shard=3), b"")
    store.publish(facts(1, shard=3), b"not newer, so not announced")
    store.publish(facts(1, shard=4), b"")
    assert [next(changes), next(changes)] == [3, 4]
    changes.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("state", ["paused", "running"])
def test_a_flow_can_be_told_what_to_do(store: LiveStore, state: Any) -> None:
    store.want("paused")
    store.want(state)
    assert store.wanted() == state


def test_a_heartbeat_can_be_read_and_expires(store: LiveStore, redis_url: str) -> None:
    status = Status(time=1.0, state="running", events_per_second=5.5, lag=None, process="here")
    store.beat(0, status)
    assert store.status() == status
    assert store.status(1) is None
    client: Any = connect(redis_url)
    (key,) = [
        one for one in client.keys("*:status") if client.get(one) == msgspec.json.encode(status)
    ]
    assert 0 < client.ttl(key) <= 30
    client.close()


def test_two_projects_do_not_see_each_other(redis_url: str, unique: Callable[[str], str]) -> None:
    client = connect(redis_url)
    one, other = LiveStore(client, unique("one")), LiveStore(client, unique("other"))
    one.publish(facts(1), b"one")
    one.want("paused")
    assert other.facts() is None
    assert other.wanted() == "running"
    client.close()


def attempts(store: LiveStore) -> dict[str, Callable[[], Any]]:
    return {
        "publish": lambda: store.publish(facts(1), b""),
        "facts": store.facts,
        "model": store.model,
        "history": store.history,
        "beat": lambda: store.beat(
            0, Status(time=1.0, state="running", events_per_second=0.0, lag=0)
        ),
        "status": store.status,
        "wanted": store.wanted,
        "want": lambda: store.want("paused"),
        "changes": lambda: next(store.changes()),
    }


@pytest.mark.parametrize("name", attempts(LiveStore(connect("redis://localhost"), "none")))
def test_without_redis_every_attempt_is_a_store_error(name: str) -> None:
    client = connect(f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(StoreError, match="REALTIME_REDIS_URL"):
        attempts(LiveStore(client, "fraud"))[name]()
    client.close()


def test_readers_and_a_writer_never_see_half_a_model(store: LiveStore) -> None:
    stop = threading.Event()

    def publish() -> None:
        for seen in range(1, 300):
            store.publish(facts(seen), b"%d" % seen)
        stop.set()

    writer = threading.Thread(target=publish)
    writer.start()
    while not stop.is_set():
        found = store.model()
        assert found is None or found[1] == b"%d" % found[0].events_learned
    writer.join()

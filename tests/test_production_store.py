"""Commands and status travel through a real Redis as they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import StoreError
from flows.stores.connection import connect
from flows.stores.production import BEGINNING, Command, ProducerStatus, ProductionStore
from scripts.local.ports import free_port

STATUS = ProducerStatus(
    time=1.5,
    state="paused",
    profile="living",
    rate=3.0,
    sent=7,
    failed=0,
    events_per_second=2.5,
    running={"attack": 0.5},
    scenarios={"attack": "Many at once."},
    drift={"kind": "sudden", "severity": "mild", "at": 3},
    anomaly_rate=0.1,
)


@pytest.fixture
def client(any_redis_url: str) -> Iterator[redis.Redis]:
    with connect(any_redis_url) as client:
        yield client


@pytest.fixture
def store(client: redis.Redis, unique: Callable[[str], str]) -> ProductionStore:
    return ProductionStore(client, unique("production"))


def test_commands_come_in_order_after_a_place(store: ProductionStore) -> None:
    store.tell(Command(rate=1))
    place = store.newest()
    told = [Command(burst=5), Command(drift="sudden", severity="mild"), Command(state="paused")]
    places = [store.tell(command) for command in told]
    found = list(store.commands(place))
    assert [command for _, command in found] == told
    assert [place for place, _ in found] == places
    assert list(store.commands(places[-1])) == []


def test_without_commands_there_is_a_place_before_the_first(store: ProductionStore) -> None:
    place = store.newest()
    assert list(store.commands(place)) == []
    store.tell(Command(burst=1))
    assert [command for _, command in store.commands(place)] == [Command(burst=1)]


def test_what_is_no_command_is_none(client: redis.Redis, unique: Callable[[str], str]) -> None:
    project = unique("production")
    store = ProductionStore(client, project)
    for raw in (b"{", b'{"rate": -1}', b'{"speed": 3}', b"\xff"):
        client.xadd(f"realtime:{project}:producer", {"command": raw})
    client.xadd(f"realtime:{project}:producer", {"other": b"{}"})
    store.tell(Command(rate=2))
    found = [command for _, command in store.commands("0-0")]
    assert found == [None] * 5 + [Command(rate=2)]


def test_status_is_read_as_written_and_expires(
    client: redis.Redis, unique: Callable[[str], str]
) -> None:
    project = unique("production")
    store = ProductionStore(client, project)
    assert store.status() is None
    store.report(STATUS)
    assert store.status() == STATUS
    remaining: Any = client.ttl(f"realtime:{project}:producer:status")
    assert 0 < remaining <= 10


def test_changes_come_oldest_first_with_the_time_they_were_told(store: ProductionStore) -> None:
    began = time.time()
    for number in (5, 9):
        store.note("drift", number, {"kind": "sudden"})
    first, last = store.changes()
    assert (first.event_number, last.event_number) == (5, 9)
    assert (last.what, last.details) == ("drift", {"kind": "sudden"})
    assert began - 1 <= first.time <= last.time <= time.time() + 1
    assert store.changes(1) == [last]


def test_changes_are_no_commands(store: ProductionStore) -> None:
    store.note("drift", 5, {})
    assert store.newest() == BEGINNING


def test_absent_redis_is_a_store_error() -> None:
    with connect(f"redis://127.0.0.1:{free_port()}/0") as client:
        store = ProductionStore(client, "fraud")
        for attempt in (store.newest, store.status, lambda: store.tell(Command())):
            with pytest.raises(StoreError, match="REALTIME_REDIS_URL"):
                attempt()


@given(
    st.builds(
        Command,
        rate=st.none() | st.floats(0, 1e6),
        burst=st.none() | st.integers(1, 10**7),
        intensity=st.floats(0, 1),
        seconds=st.none() | st.floats(0.1, 1000),
    )
)
def test_command_survives_its_encoding(command: Command) -> None:
    assert msgspec.json.decode(msgspec.json.encode(command), type=Command) == command


@pytest.mark.parametrize(
    "fields",
    [{"rate": -1}, {"burst": 0}, {"intensity": 2}, {"drift": "slow"}, {"seconds": 0}, {"no": 1}],
)
def test_impossible_command_cannot_be_decoded(fields: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(fields, Command)

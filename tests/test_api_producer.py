"""Producers steered through the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from flows.stores.live import connect
from flows.stores.production import BEGINNING, Command, ProducerStatus, ProductionStore
from tests.api_parts import Served, local, serving

STATUS = ProducerStatus(
    time=1_767_225_600.0,
    state="running",
    profile="living",
    rate=50.0,
    sent=1_234,
    failed=0,
    events_per_second=49.8,
    running={"attack": 1.0},
    scenarios={"attack": "many accounts, one merchant"},
    drift=None,
    anomaly_rate=0.01,
)


@pytest.fixture(scope="module")
def served(redis_url: str, unique: Any) -> Iterator[Served]:
    with serving(local(redis_url), unique("fraud")) as running:
        yield running


@pytest.fixture
def store(served: Served) -> Iterator[ProductionStore]:
    with connect(served.settings.redis_url.get_secret_value()) as client:
        yield ProductionStore(client, served.project.slug)


def tell(served: Served, **command: Any) -> Any:
    return served.client.post(f"{served.url}/producer", json=command)


def test_nobody_produces_until_somebody_says_so(served: Served, store: ProductionStore) -> None:
    assert served.get("/producer").json() == {"status": None}
    store.report(STATUS)
    told = served.get("/producer").json()["status"]
    assert (told["rate"], told["running"]) == (50.0, {"attack": 1.0})


def test_a_command_reaches_the_producer(served: Served, store: ProductionStore) -> None:
    before = store.newest()
    answer = tell(served, rate=20.0, scenario="attack", seconds=60)
    assert answer.status_code == 202
    ((place, command),) = store.commands(before)
    assert answer.json() == {"place": place}
    assert command == Command(rate=20.0, scenario="attack", seconds=60.0)


@pytest.mark.parametrize(
    ("command", "location"),
    [
        ({"rate": -1}, "rate"),
        ({"drift": "tectonic"}, "drift"),
        ({"seconds": 0}, "seconds"),
        ({"speed": 3}, ""),
        ({}, ""),
    ],
)
def test_a_command_that_cannot_be_obeyed_is_a_422(
    served: Served, store: ProductionStore, command: dict[str, Any], location: str
) -> None:
    before = store.newest()
    answer = tell(served, **command)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["location"].endswith(location)
    assert list(store.commands(before)) == []


def test_a_command_is_obeyed_by_whoever_reads_from_the_beginning(
    served: Served, store: ProductionStore
) -> None:
    tell(served, state="paused")
    *_, (_, last) = store.commands(BEGINNING)
    assert last == Command(state="paused")


def test_what_came_of_commands_is_told(served: Served, store: ProductionStore) -> None:
    assert served.get("/producer/changes").json() == {"changes": []}
    store.note("scenario", 7, {"scenario": "attack", "intensity": 1.0})
    store.note("drift", 8, {"kind": "sudden", "severity": "severe"})
    first, second = served.get("/producer/changes").json()["changes"]
    assert (first["what"], first["details"]["scenario"]) == ("scenario", "attack")
    assert second["event_number"] == 8
    assert served.get("/producer/changes?changes=1").json()["changes"] == [second]
    assert served.get("/producer/changes?changes=0").status_code == 422

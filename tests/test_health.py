"""Health: whether epochs close, whether a producer turns, and how both are told over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import httpx2
import pytest
from prometheus_client import CollectorRegistry, Gauge

from flows import health_server
from flows.errors import SettingsError, StoreError
from flows.projects import fraud
from flows.settings import Settings
from flows.streaming import lake_sink
from flows.streaming.cluster import identities
from flows.streaming.health import PULSE, READY_SECONDS, Pulse
from flows.streaming.kafka_source import KafkaPartition
from flows.streaming.messages import Source
from flows.streaming.topic_watch import TopicWatch
from scripts.kafka import Sender
from scripts.production import STALL_SECONDS, Production
from scripts.stop import Stop
from scripts.topics import ensure_topics

STALL = 300.0


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pulse(clock: Clock) -> Pulse:
    return Pulse(clock)


def ready(pulse: Pulse) -> str:
    return pulse.checks(STALL)["/readyz"]()


def alive(pulse: Pulse) -> str:
    return pulse.checks(STALL)["/healthz"]()


def test_before_its_first_epoch_it_is_alive_but_not_ready(pulse: Pulse) -> None:
    assert alive(pulse) == ""
    assert ready(pulse) == "no epoch has closed yet: it has just been started"


def test_once_an_epoch_has_closed_it_is_ready(pulse: Pulse) -> None:
    pulse.closed()
    assert (alive(pulse), ready(pulse)) == ("", "")


def test_when_no_epoch_closes_it_is_first_not_ready_and_then_not_alive(
    pulse: Pulse, clock: Clock
) -> None:
    pulse.closed()
    clock.now += READY_SECONDS + 1
    assert ready(pulse) == "no epoch has closed for 61 s: nobody knows why"
    assert alive(pulse) == ""
    clock.now += STALL
    assert alive(pulse) == "no epoch has closed, and nothing was tried, for 361 s"
    pulse.closed()
    assert (alive(pulse), ready(pulse)) == ("", "")


def test_what_waits_for_others_is_alive_and_says_for_whom(pulse: Pulse, clock: Clock) -> None:
    pulse.closed()
    clock.now += 2 * STALL
    pulse.waits("the lake does not answer")
    assert alive(pulse) == ""
    assert "the lake does not answer" in ready(pulse)
    clock.now += STALL + 1
    assert alive(pulse)


def test_one_that_never_gets_to_its_first_epoch_is_not_alive_in_the_end(
    pulse: Pulse, clock: Clock
) -> None:
    clock.now += STALL + 1
    assert alive(pulse)


@pytest.fixture
def closings(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    found: list[None] = []
    monkeypatch.setattr(PULSE, "closed", lambda: found.append(None))
    return found


@pytest.mark.parametrize("paused", [False, True])
def test_a_source_tells_of_each_epoch_once_it_is_polled_again(
    broker: str, unique: Callable[[str], str], closings: list[None], paused: bool
) -> None:
    settings = Settings(_env_file=None, kafka_bootstrap=broker)
    project = replace(fraud.PROJECT, topic=unique("pulse"))
    ensure_topics(project, settings)
    identity = identities(settings, [project.topic])[project.topic]
    stop = threading.Event()
    watch = TopicWatch(settings, [project.topic], stop)
    source = Source(project.topic, 0)
    partition = KafkaPartition(settings, source, identity, watch, stop, lambda: paused)
    partition.begin(0)
    try:
        for epochs in range(3):
            partition.next_batch()
            partition.next_batch()
            assert len(closings) == epochs
            partition.snapshot()
            assert len(closings) == epochs
    finally:
        partition.close()


def test_a_lake_that_is_away_is_waited_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(PULSE, "waits", lambda reason: told.append(str(reason)))
    monkeypatch.setattr(lake_sink, "FIRST_PAUSE", 0.0)
    partition = lake_sink.LakePartition(fraud.PROJECT, settings, threading.Event())
    answers = iter([StoreError("away"), StoreError("still away"), None])

    def attempt() -> None:
        if answer := next(answers):
            raise answer

    partition._until_done(attempt)
    partition.close()
    assert told == ["away", "still away"]


@pytest.fixture
def production(settings: Settings) -> Production:
    return Production(fraud.PROJECT, Sender(settings, Stop()), Stop(), rate=1.0)


def test_a_producer_is_ready_once_something_was_delivered(production: Production) -> None:
    check = production.checks()["/readyz"]
    assert check() == "nothing has been delivered yet"
    production._sender.delivered[fraud.PROJECT.topic] += 1
    assert check() == ""


def test_a_paused_producer_is_ready(production: Production) -> None:
    production.pace.paused = True
    assert production.checks()["/readyz"]() == ""


def test_a_producer_that_does_not_turn_is_not_alive(production: Production) -> None:
    check = production.checks()["/healthz"]
    assert check() == ""
    production._turned -= STALL_SECONDS + 1
    assert check() == f"it has done nothing for {STALL_SECONDS + 1:.0f} s"
    production.tick()
    assert check() == ""


def test_health_and_measurements_are_served_side_by_side() -> None:
    registry = CollectorRegistry()
    Gauge("beans", "How many.", registry=registry).set(7)
    wrong = [""]
    server = health_server.start(
        "127.0.0.1", 0, {"/healthz": lambda: wrong[0]}, registry, setting="X"
    )
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        assert "beans 7.0" in httpx2.get(f"{url}/metrics").text
        assert httpx2.get(f"{url}/healthz").status_code == 200
        wrong[0] = "no beans"
        answer = httpx2.get(f"{url}/healthz")
        assert (answer.status_code, answer.text) == (503, "no beans\n")
    finally:
        server.close()
    with pytest.raises(httpx2.TransportError):
        httpx2.get(f"{url}/healthz")


def test_a_port_that_is_taken_is_an_error() -> None:
    server = health_server.start("127.0.0.1", 0, {}, setting="X")
    try:
        with pytest.raises(SettingsError, match=rf":{server.server_port}: .* in use; .* another X"):
            health_server.start("127.0.0.1", server.server_port, {}, setting="X")
    finally:
        server.close()

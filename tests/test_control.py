"""`python -m scripts.control` steers a running producer, over a real Redis and a real broker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flows.projects import fraud
from flows.stores.connection import connect
from flows.stores.production import ProducerStatus, ProductionStore
from scripts import control
from scripts.local import parts
from scripts.local.ports import free_port
from tests.conftest import Servers
from tests.topic_reader import read_topic

PATIENCE = 60.0


@pytest.fixture(scope="module")
def own_broker(servers: Servers, part_env: dict[str, str]) -> str:
    port = free_port()
    servers.start(parts.broker(port, "controlled", part_env))
    return f"127.0.0.1:{port}"


class Producer:
    """A producer as a process, and what it says of itself in Redis."""

    def __init__(self, arguments: list[str], env: dict[str, str], store: ProductionStore) -> None:
        self.store = store
        self.process = subprocess.Popen(
            [sys.executable, "-m", "scripts.produce", "fraud", *arguments],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def until(self, wanted: Callable[[ProducerStatus], bool]) -> ProducerStatus:
        """Wait until its status is as wanted."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            status = self.store.status()
            if status is not None and wanted(status):
                return status
            time.sleep(0.05)
        raise AssertionError(f"never so: {self.store.status()}")

    def end(self) -> dict[str, Any]:
        """Stop it in order; returns its summary."""
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, err
        summary: dict[str, Any] = json.loads(out)
        return summary


@pytest.fixture
def start(
    own_broker: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Producer]]:
    """Starts a producer for the commands of this test."""
    monkeypatch.setenv("REALTIME_REDIS_URL", redis_url)
    monkeypatch.setenv("REALTIME_KAFKA_BOOTSTRAP", own_broker)
    started: list[Producer] = []
    with connect(redis_url) as client:
        client.delete("realtime:fraud:producer", "realtime:fraud:producer:status")
        store = ProductionStore(client, "fraud")

        def start(*arguments: str) -> Producer:
            started.append(Producer(list(arguments), dict(os.environ), store))
            started[-1].until(lambda _: True)
            return started[-1]

        yield start
        for producer in started:
            producer.process.kill()
            producer.process.communicate()


def tell(*arguments: str) -> None:
    assert control.main(["fraud", *arguments]) == 0


def scrape(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    samples = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in samples}


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.05)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_pause_burst_rate_and_resume(start: Callable[..., Producer]) -> None:
    producer = start("--rate", "20")
    tell("--pause")
    paused = producer.until(lambda status: status.state == "paused")
    tell("--burst", "300")
    after = producer.until(lambda status: status.sent >= paused.sent + 300)
    assert (after.sent, after.state) == (paused.sent + 300, "paused")
    tell("--rate", "50", "--resume")
    running = producer.until(lambda status: status.state == "running" and status.sent > after.sent)
    assert running.rate == 50
    assert producer.end()["events"] >= running.sent


def test_every_change_is_told_in_a_file_and_on_a_topic_and_the_truth_beside(
    start: Callable[..., Producer], own_broker: str, tmp_path: Path
) -> None:
    log, truth = tmp_path / "changes.jsonl", tmp_path / "truth.jsonl"
    producer = start("--rate", "200", "--log", str(log), "--truth", str(truth))
    tell("--scenario", "attack", "--seconds", "2", "--anomalies", "0.5")
    producer.until(lambda status: "attack" in status.running and status.anomaly_rate == 0.5)
    tell("--drift", "gradual", "--severity", "moderate", "--width", "100")
    producer.until(lambda status: status.drift is not None)
    producer.until(lambda status: not status.running)
    sent = producer.end()["events"]
    changes, truths = lines(log), lines(truth)
    assert [change["what"] for change in changes[:2]] == ["scenario", "anomalies"]
    assert {change["what"] for change in changes[2:]} == {"scenario", "drift"}
    assert [change.get("intensity") for change in changes if change["what"] == "scenario"] == [1, 0]
    drift = next(change for change in changes if change["what"] == "drift")
    assert (drift["kind"], drift["severity"], drift["width"]) == ("gradual", "moderate", 100)
    topic = f"{fraud.PROJECT.topic}_changes"
    told = [msgspec.json.decode(one.value() or b"") for one in read_topic(own_broker, topic, 4)]
    assert told[-4:] == changes
    assert len(truths) == sent
    for change in changes:
        assert truths[change["event_number"]]["event_id"] == change["event_id"]
    assert "attack" in {one["cause"] for one in truths}


def test_truth_is_never_on_kafka(
    start: Callable[..., Producer], own_broker: str, tmp_path: Path
) -> None:
    truth = tmp_path / "truth.jsonl"
    producer = start("--rate", "300", "--label-delay", "10", "--truth", str(truth))
    producer.until(lambda status: status.sent > 100)
    producer.end()
    secrets = {name.encode() for name in lines(truth)[0]} - {b"event_id"}
    assert secrets == {b"probability", b"cause", b"shift"}
    for topic in (fraud.PROJECT.topic, fraud.PROJECT.labels_topic):
        for message in read_topic(own_broker, topic, 10):
            names = set(json.loads(message.value() or b""))
            assert names.isdisjoint(name.decode() for name in secrets | {b"_truth"})


def test_unknown_scenario_is_refused_and_the_producer_goes_on(
    start: Callable[..., Producer], capsys: pytest.CaptureFixture[str]
) -> None:
    producer = start("--rate", "20")
    tell("--scenario", "storm")
    refused = producer.until(lambda status: bool(status.refused))
    assert "no scenario 'storm'; known: attack, holiday" in refused.refused
    producer.until(lambda status: status.sent > refused.sent)
    tell("--show")
    shown = json.loads(capsys.readouterr().out)
    assert shown["scenarios"].keys() == {"attack", "holiday"}
    assert shown["profile"] == "living"


def test_metrics_count_what_is_delivered(start: Callable[..., Producer]) -> None:
    port = free_port()
    producer = start("--rate", "100", "--metrics-port", str(port), "--label-delay", "20")
    producer.until(lambda status: status.sent > 100)
    tell("--pause")
    sent = producer.until(lambda status: status.state == "paused").sent
    topic = fraud.PROJECT.topic
    expected = {
        f'realtime_produced_events_total{{topic="{topic}"}}': sent,
        f'realtime_produced_labels_total{{topic="{topic}_labels"}}': sent - 20,
        f'realtime_produce_failures_total{{topic="{topic}"}}': 0,
        f'realtime_producer_rate{{topic="{topic}"}}': 0,
    }
    wait_until(lambda: {name: scrape(port).get(name) for name in expected} == expected)


def test_commands_from_before_the_start_are_not_obeyed(start: Callable[..., Producer]) -> None:
    tell("--pause")
    producer = start("--rate", "50")
    assert producer.until(lambda status: status.sent > 50).state == "running"


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ([], "nothing to do"),
        (["--rate", "-1"], "rate"),
        (["--drift", "slow"], "drift"),
        (["--scenario", "attack", "--intensity", "3"], "intensity"),
        (["--show"], "no producer tells its status"),
    ],
)
def test_what_makes_no_sense_is_an_error(
    arguments: list[str],
    fault: str,
    redis_server_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("REALTIME_REDIS_URL", redis_server_url)
    assert control.main(["fraud", *arguments]) == 1
    assert fault in capsys.readouterr().err


def test_absent_redis_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REALTIME_REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    assert control.main(["fraud", "--pause"]) == 1
    assert "REALTIME_REDIS_URL" in capsys.readouterr().err

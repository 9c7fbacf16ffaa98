"""`python -m scripts.produce` as a process: signals, standard input, a broker that goes away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import msgspec
import pytest

from flows.projects import fraud
from scripts.local import parts
from scripts.local.ports import free_port
from scripts.streams import events
from tests.conftest import Servers
from tests.topic_reader import read_topic


@pytest.fixture
def own_broker(
    servers: Servers, part_env: dict[str, str]
) -> Iterator[tuple[str, Callable[[], None]]]:
    """A broker of this test's own: its address, and how to stop it."""
    port = free_port()
    child = servers.start(parts.broker(port, "own", part_env))
    running = [child]

    def stop() -> None:
        while running:
            servers.stop(running.pop())

    yield f"127.0.0.1:{port}", stop
    stop()


def start_producing(bootstrap: str, *arguments: str, **options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.produce", "fraud", *arguments],
        env={**os.environ, "REALTIME_KAFKA_BOOTSTRAP": bootstrap, **options},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_with_everything_delivered(
    own_broker: tuple[str, Callable[[], None]], number: signal.Signals
) -> None:
    bootstrap, _ = own_broker
    with start_producing(bootstrap, "--rate", "300", "--label-delay", "20") as running:
        read_topic(bootstrap, fraud.PROJECT.labels_topic, 10, quiet=0.0)
        running.send_signal(number)
        out, err = running.communicate(timeout=30)
    assert running.returncode == 0, err
    summary = json.loads(out)
    assert summary["failed"] == 0
    sent = read_topic(bootstrap, fraud.PROJECT.topic, summary["events"])
    assert len(sent) == summary["events"] > 0
    labels = read_topic(bootstrap, fraud.PROJECT.labels_topic, summary["labels"])
    assert len(labels) == summary["labels"] == summary["events"] - 20


def test_standard_input_is_sent_as_it_comes_and_waited_for_until_a_signal(
    own_broker: tuple[str, Callable[[], None]],
) -> None:
    bootstrap, _ = own_broker
    lines = [msgspec.json.encode(event).decode() for event in events("fraud", count=3)]
    with start_producing(bootstrap, "--input", "-") as running:
        assert running.stdin
        running.stdin.write("\n".join(lines) + "\n")
        running.stdin.flush()
        found = read_topic(bootstrap, fraud.PROJECT.topic, 3)
        assert [(message.value() or b"").decode() for message in found] == lines
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=30) == 0
        assert running.stdout and json.loads(running.stdout.read())["events"] == 3


def test_fault_on_standard_input_ends_it_after_the_lines_before(
    own_broker: tuple[str, Callable[[], None]],
) -> None:
    bootstrap, _ = own_broker
    good = msgspec.json.encode(next(events("fraud"))).decode()
    with start_producing(bootstrap, "--input", "-") as running:
        out, err = running.communicate(f"{good}\n{{}}\n", timeout=60)
    assert running.returncode == 1
    assert "standard input, line 2: Object missing required field `transaction_id`" in err
    assert json.loads(out)["events"] == 1
    assert len(read_topic(bootstrap, fraud.PROJECT.topic, 1)) == 1


def test_broker_that_goes_away_is_an_error(
    own_broker: tuple[str, Callable[[], None]],
) -> None:
    bootstrap, stop_broker = own_broker
    impatient = json.dumps({"delivery.timeout.ms": "1500"})
    with start_producing(bootstrap, "--rate", "50", REALTIME_KAFKA_OPTIONS=impatient) as running:
        read_topic(bootstrap, fraud.PROJECT.topic, 5, quiet=0.0)
        stop_broker()
        out, err = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "not delivered" in err
    assert "Traceback" not in err
    summary = json.loads(out)
    assert summary["events"] >= 5 and summary["failed"] > 0

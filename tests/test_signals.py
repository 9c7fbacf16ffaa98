"""A termination signal sets the stop, even while the main thread is in native code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows.streaming.signals import EXIT_UNFINISHED

ROOT = Path(__file__).parents[1]

IN_NATIVE_CODE = """
import hashlib, os, sys, threading
from flows.streaming.signals import stop_on_signals

stop = stop_on_signals(grace=float(sys.argv[1]))

def watch():
    stop.wait()
    print("stopped", flush=True)
    if sys.argv[2] == "obey":
        os._exit(7)

threading.Thread(target=watch, daemon=True).start()
print("ready", flush=True)
hashlib.pbkdf2_hmac("sha256", b"", b"", 2_000_000_000)
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a process whose main thread does not come back from native code."""
    started: list[subprocess.Popen[str]] = []

    def begin(grace: float, behaviour: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            (sys.executable, "-c", IN_NATIVE_CODE, str(grace), behaviour),
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_sets_the_stop(start: Start, number: signal.Signals) -> None:
    process = start(grace=60.0, behaviour="obey")
    process.send_signal(number)
    assert process.communicate(timeout=30)[0] == "stopped\n"
    assert process.returncode == 7


def test_what_cannot_end_is_ended_after_its_grace(start: Start) -> None:
    process = start(grace=0.2, behaviour="ignore")
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=30)[0] == "stopped\n"
    assert process.returncode == EXIT_UNFINISHED


def test_more_signals_do_not_add_to_the_grace(start: Start) -> None:
    process = start(grace=0.5, behaviour="ignore")
    assert process.stdout is not None
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "stopped\n"
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
    assert process.returncode == EXIT_UNFINISHED


def test_without_a_signal_it_runs_on(start: Start) -> None:
    process = start(grace=0.0, behaviour="obey")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.2)

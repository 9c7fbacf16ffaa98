"""Work beside the worker: the newest value, until it succeeds."""

from __future__ import annotations

import threading

import pytest

from flows.errors import StoreError
from flows.streaming import background
from flows.streaming.background import Latest

LONG = 30.0


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(background, "LONGEST_PAUSE", 0.02)


class Gate:
    """Work that waits to be let through, and fails as often as told."""

    def __init__(self, failures: int = 0, error: type[Exception] = StoreError) -> None:
        self.begun = threading.Semaphore(0)
        self.open = threading.Event()
        self.done: list[int] = []
        self.tries: list[int] = []
        self._failures = failures
        self._error = error

    def __call__(self, value: int) -> None:
        self.tries.append(value)
        self.begun.release()
        assert self.open.wait(LONG)
        if len(self.tries) <= self._failures:
            raise self._error("not now")
        self.done.append(value)


def test_what_is_offered_is_done() -> None:
    gate = Gate()
    gate.open.set()
    place = Latest("test", gate)
    place.offer(1)
    assert place.drain(LONG)
    place.offer(2)
    assert place.drain(LONG)
    assert gate.done == [1, 2]


def test_a_newer_value_replaces_one_that_waits() -> None:
    gate = Gate()
    place = Latest("test", gate)
    place.offer(1)
    assert gate.begun.acquire(timeout=LONG)
    for value in (2, 3, 4):
        place.offer(value)
    gate.open.set()
    assert place.drain(LONG)
    assert gate.done == [1, 4]


def test_a_failure_is_tried_again_until_it_succeeds(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate(failures=3)
    gate.open.set()
    place = Latest("test", gate)
    place.offer(1)
    assert place.drain(LONG)
    assert gate.tries == [1, 1, 1, 1]
    assert gate.done == [1]
    assert "not now; trying again" in caplog.text


def test_a_newer_value_replaces_one_that_fails() -> None:
    gate = Gate(failures=1)
    place = Latest("test", gate)
    place.offer(1)
    assert gate.begun.acquire(timeout=LONG)
    place.offer(2)
    gate.open.set()
    assert place.drain(LONG)
    assert gate.tries == [1, 2]
    assert gate.done == [2]


def test_an_error_of_ours_gives_the_value_up_and_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = Gate(failures=1, error=ZeroDivisionError)
    gate.open.set()
    place = Latest("test", gate)
    place.offer(1)
    assert place.drain(LONG)
    place.offer(2)
    assert place.drain(LONG)
    assert gate.done == [2]
    assert "gave a value up" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_draining_tells_when_it_was_not_enough_time() -> None:
    gate = Gate()
    place = Latest("test", gate)
    place.offer(1)
    assert gate.begun.acquire(timeout=LONG)
    assert place.drain(0.01) is False
    gate.open.set()
    assert place.drain(LONG)


def test_nothing_offered_is_drained_at_once() -> None:
    assert Latest("test", Gate()).drain(0.0)

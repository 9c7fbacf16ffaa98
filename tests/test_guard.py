"""Exceptions of steps are logged where they happen, and go on."""

from __future__ import annotations

import threading

import pytest
from bytewax.inputs import AbortExecution

from flows.streaming import guard
from flows.streaming.guard import guarded, has_failed


@guarded
def divide(dividend: int, divisor: int = 1) -> float:
    """Quotient."""
    return dividend / divisor


def test_what_works_is_not_touched(caplog: pytest.LogCaptureFixture) -> None:
    assert divide(6, divisor=3) == 2
    assert (divide.__name__, divide.__doc__) == ("divide", "Quotient.")
    assert not caplog.records


def test_an_exception_is_logged_with_its_trace_and_raised(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(ZeroDivisionError):
        divide(1, divisor=0)
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert "divide" in record.message
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_even_what_ends_a_process_is_logged(
    caplog: pytest.LogCaptureFixture, error: type[BaseException]
) -> None:
    with pytest.raises(error):
        guarded(raising)(error)
    assert len(caplog.records) == 1


@pytest.mark.parametrize("error", [StopIteration, AbortExecution])
def test_what_ends_an_input_in_order_is_not_logged(
    caplog: pytest.LogCaptureFixture, error: type[BaseException]
) -> None:
    with pytest.raises(error):
        guarded(raising)(error)
    assert not caplog.records


def raising(error: type[BaseException]) -> None:
    raise error


def test_a_failure_is_remembered_and_the_end_of_an_input_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guard, "_failed", threading.Event())
    with pytest.raises(StopIteration):
        guarded(raising)(StopIteration)
    assert not has_failed()
    with pytest.raises(ZeroDivisionError):
        guarded(raising)(ZeroDivisionError)
    assert has_failed()

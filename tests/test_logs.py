"""Lines of JSON that machines can read, and the count of those that are bad news."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from flows import logs
from flows.settings import Settings
from flows.streaming.learn import learn
from flows.streaming.messages import Decoded, Message, Source
from tests.examples import VISITS, visit


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, which gets back what it had."""
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    yield root
    root.setLevel(before[0])
    root.handlers[:] = before[1]


def line(record: logging.LogRecord, **facts: Any) -> dict[str, Any]:
    text = logs.JsonLines(facts).format(record)
    assert "\n" not in text
    found: dict[str, Any] = json.loads(text)
    return found


def record(text: str, *arguments: object, **others: Any) -> logging.LogRecord:
    made = logging.LogRecord("flows", logging.WARNING, "a.py", 1, text, arguments, None)
    made.__dict__.update(others)
    return made


def test_a_line_says_when_how_bad_who_and_what() -> None:
    found = line(record("%d of %s", 3, "five"), part="flow", project="fraud", worker=2)
    assert found.pop("time").endswith("+00:00")
    assert found == {
        "level": "WARNING",
        "logger": "flows",
        "message": "3 of five",
        "part": "flow",
        "project": "fraud",
        "worker": 2,
    }


def test_a_line_says_where_and_nothing_else_that_is_extra() -> None:
    found = line(record("gone", topic="fraud", partition=1, offset=7, colour="red"))
    assert (found["topic"], found["partition"], found["offset"]) == ("fraud", 1, 7)
    assert "colour" not in found


def test_a_text_of_several_lines_is_one_line() -> None:
    assert line(record('two\nlines "quoted" \u2028 é'))["message"] == 'two\nlines "quoted" \u2028 é'


def test_an_exception_comes_with_its_traceback_and_its_notes() -> None:
    try:
        raise ValueError("seven")
    except ValueError as error:
        error.add_note("while counting")
        failed = record("failed")
        failed.exc_info = sys.exc_info()
    told = line(failed)["exception"]
    assert told.startswith("Traceback")
    assert "ValueError: seven" in told
    assert "while counting" in told


def test_a_line_names_the_request_that_is_answered() -> None:
    token = logs.REQUEST.set("r-1")
    assert line(record("slow"))["request_id"] == "r-1"
    logs.REQUEST.reset(token)
    assert "request_id" not in line(record("slow"))


class Broken:
    """A task that fails at one event."""

    def __getattr__(self, name: str) -> Any:
        return getattr(VISITS.task, name)

    def predict(self, *_: Any) -> None:
        raise ZeroDivisionError("no pages")


def test_an_error_of_learning_names_its_message() -> None:
    from flows.learning.learner import Learner

    learner = Learner.fresh(VISITS)
    learner.task = Broken()
    accepted = [(Message(41, 1.0, None, None), visit(1))]
    decoded = Decoded(Source("visits", 3), "cluster", accepted, [], None)
    with pytest.raises(ZeroDivisionError):
        try:
            learn(learner, decoded)
        except ZeroDivisionError:
            failed = record("step failed")
            failed.exc_info = sys.exc_info()
            raise
    found = line(failed)
    assert (found["topic"], found["partition"], found["offset"]) == ("visits", 3, 41)


@pytest.mark.parametrize("form", ["json", "text"])
def test_settings_choose_the_form(
    root: logging.Logger, capsys: pytest.CaptureFixture[str], form: Any
) -> None:
    root.handlers[:] = []
    logs.configure(Settings(_env_file=None, log_format=form), "api", "%(levelname)s! %(message)s")
    logging.getLogger("somewhere").info("hello")
    told = capsys.readouterr().err
    if form == "text":
        assert told == "INFO! hello\n"
    else:
        assert json.loads(told)["message"] == "hello"


def test_people_read_text_unless_told_otherwise() -> None:
    assert Settings(_env_file=None).log_format == "text"


def test_warnings_and_errors_are_counted_and_nothing_else(root: logging.Logger) -> None:
    lines, registry = logs.Lines(), CollectorRegistry()
    registry.register(lines)
    root.addHandler(lines)
    log = logging.getLogger("somewhere")
    log.setLevel(logging.DEBUG)
    for level, count in ((logging.INFO, 5), (logging.WARNING, 2), (logging.ERROR, 1)):
        for _ in range(count):
            log.log(level, "so be it")
    told = generate_latest(registry).decode()
    assert 'realtime_log_lines_total{level="WARNING"} 2.0' in told
    assert 'realtime_log_lines_total{level="ERROR"} 1.0' in told
    assert 'realtime_log_lines_total{level="CRITICAL"} 0.0' in told
    assert "INFO" not in told

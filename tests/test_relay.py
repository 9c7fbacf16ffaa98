"""What a keeper passes on: lines of JSON stay lines of JSON, and everything else becomes one."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import logs
from flows.settings import Settings
from scripts.flow import Keeper
from scripts.local.child import Leash, Part
from scripts.local.ready import Lives
from scripts.relay import enclosed, relay_of

NO_JSON = [
    "",
    "plain",
    "{",
    '{"a": 1} b',
    "[1]",
    '"text"',
    "12",
    "Traceback (most recent call last):",
]


def relayed(form: Any, line: str, capsys: pytest.CaptureFixture[str]) -> str:
    relay_of(Settings(_env_file=None, log_format=form))("fraud-0", line)
    return capsys.readouterr().out


def test_people_see_who_said_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert relayed("text", "reading", capsys) == "fraud-0 │ reading\n"


def test_a_line_of_json_is_passed_on_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    record = logging.LogRecord("flows", logging.INFO, "a.py", 1, "reading", (), None)
    line = logs.JsonLines({"project": "fraud", "worker": 1}).format(record)
    assert relayed("json", line, capsys) == f"{line}\n"


@pytest.mark.parametrize("line", NO_JSON)
def test_any_other_line_becomes_one(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(relayed("json", line, capsys))
    assert found.keys() == {"time", "level", "logger", "message"}
    assert (found["logger"], found["message"]) == ("fraud-0", line)
    assert found["time"].endswith("+00:00")


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("ValueError: seven", "ERROR"),
        ("thread '<unnamed>' panicked at src/worker.rs:124:13:", "ERROR"),
        ("Traceback (most recent call last):", "ERROR"),
        ("all is well", "INFO"),
    ],
)
def test_what_nobody_caught_is_an_error(line: str, level: str) -> None:
    assert json.loads(enclosed("fraud-0", line))["level"] == level


@given(st.text())
def test_a_line_stays_one_line(text: str) -> None:
    line = enclosed("fraud-0", text)
    assert "\n" not in line
    assert json.loads(line)["message"] == text


def test_all_that_a_keeper_says_is_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A process that logs, dies of what nobody caught, and is started again."""
    code = (
        "import pathlib, sys\n"
        'print(\'{"level": "INFO", "message": "reading"}\', flush=True)\n'
        f"note = pathlib.Path({str(tmp_path / 'started')!r})\n"
        "if note.exists(): sys.exit(0)\n"
        "note.touch()\n"
        "raise ValueError('seven')"
    )
    part = Part("fraud-0", (sys.executable, "-c", code), Lives(0), env=dict(os.environ))
    emit = relay_of(Settings(_env_file=None, log_format="json"))

    async def run() -> None:
        leash = await Leash.start()
        await Keeper([part], emit).run(leash)
        await leash.close()

    asyncio.run(asyncio.wait_for(run(), 60))
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    messages = [one["message"] for one in said]
    assert messages.count("reading") == 2
    assert {"level": "ERROR", "message": "ValueError: seven"}.items() <= said[
        messages.index("ValueError: seven")
    ].items()
    [again] = [one for one in said if "all start again" in one["message"]]
    assert (again["logger"], again["level"]) == ("flow", "ERROR")

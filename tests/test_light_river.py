"""What a flow imports before it can learn."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("mlflow", "pandas", "sklearn", "sqlalchemy")


def in_a_new_process(code: str) -> str:
    return subprocess.run(
        (sys.executable, "-c", code), check=True, capture_output=True, text=True
    ).stdout.strip()


def test_a_flow_starts_without_what_it_does_not_need_to_learn() -> None:
    code = f"import sys, flows.streaming.dataflow; print([n for n in {HEAVY} if n in sys.modules])"
    assert in_a_new_process(code) == "[]"


@pytest.mark.parametrize("name", ["sklearn", "sqlalchemy"])
def test_what_was_left_out_can_be_imported_later(name: str) -> None:
    code = f"import flows.learning, {name}; print({name}.__name__)"
    assert in_a_new_process(code) == name


def test_what_was_imported_before_stays() -> None:
    code = "import sqlalchemy, sys, flows.learning; print(sys.modules['sqlalchemy'] is sqlalchemy)"
    assert in_a_new_process(code) == "True"

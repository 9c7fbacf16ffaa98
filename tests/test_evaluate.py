"""The command that judges a learner without Kafka."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flows import projects
from flows.learning.learner import Learner
from scripts import streams
from scripts.evaluate import main
from scripts.records import EventReader


def judged(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.fixture
def reference() -> tuple[str, ...]:
    return ("fraud", "--profile", "reference", "--events", "3000")


def test_figures_are_those_of_a_learner(
    reference: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    found = judged(capsys, *reference)
    learner, reader = Learner.fresh(projects.get("fraud")), EventReader(projects.get("fraud"))
    for value in streams.events("fraud", count=3_000):
        event: Any = reader.read(json.dumps(value).encode()).event
        learner.observe(event, event.timestamp.timestamp())
    assert found["metrics"] == learner.state.metrics.values()
    assert found["counts"]["learned"] == found["events"] == 3_000
    assert found["rejected"] == 0


def test_delayed_labels_are_all_learnt_in_the_end(
    reference: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    counts = judged(capsys, *reference, "--label-delay", "400")["counts"]
    assert (counts["matched"], counts["pending"]) == (3_000, 0)


def test_a_file_is_judged_like_a_stream(
    reference: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "events.jsonl"
    drawn = [json.dumps(event) for event in streams.events("fraud", count=3_000)]
    path.write_text("\n".join([*drawn, "no event"]) + "\n")
    found = judged(capsys, "fraud", "--input", str(path))
    assert found["rejected"] == 1
    assert found["metrics"] == judged(capsys, *reference)["metrics"]


def test_without_json_there_is_a_table(
    reference: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(reference) == 0
    first, header, *rows = capsys.readouterr().out.splitlines()
    assert first.startswith("fraud: 3000 events")
    assert "last half" in header
    assert any(row.startswith("FBeta") for row in rows)


def test_an_unknown_project_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["golf", "--events", "1"]) == 1
    assert "no project 'golf'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("fraud",), "give --events N, or --input FILE"),
        (("fraud", "--input", "x", "--drift", "sudden"), "leave out --input"),
    ],
)
def test_what_cannot_be_had_is_told(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert told in capsys.readouterr().err

"""A long run says how it went, and that every message is one row or one dead letter."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from flows import projects
from flows.projects.spec import Project
from flows.streaming.decode import decoder
from flows.streaming.messages import Message, Polled, Source
from scripts import endurance, streams
from scripts.crash.damage import KINDS, mixed
from scripts.crash.gauges import Sample, sample_of

ALL = list(projects.PROJECTS.values())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("project", ALL, ids=lambda project: project.slug)
def test_a_damaged_event_is_no_event(project: Project, kind: str) -> None:
    values = [
        KINDS[kind](project, event) for event in streams.events(project.slug, seed=1, count=20)
    ]
    messages = [Message(number, 1.0, None, value) for number, value in enumerate(values)]
    decoded = decoder(project)(Polled(Source(project.topic, 0), "", messages))
    assert decoded.accepted == []
    assert len(decoded.rejected) == len(values)


@pytest.mark.parametrize("project", ALL, ids=lambda project: project.slug)
def test_messages_repeat_with_their_seed_and_are_what_they_are_said_to_be(project: Project) -> None:
    made = list(mixed(project, 1_000, 50, seed=4))
    assert made == list(mixed(project, 1_000, 50, seed=4))
    assert made != list(mixed(project, 1_000, 50, seed=5))
    messages = [Message(at, 1.0, None, record.value) for at, (record, _) in enumerate(made)]
    decoded = decoder(project)(Polled(Source(project.topic, 0), "", messages))
    assert [one.message.offset for one in decoded.rejected] == [
        at for at, (_, whole) in enumerate(made) if not whole
    ]
    assert 5 < len(decoded.rejected) < 50


def sample(events: int, snapshots: int, seconds: float = 0.0, **others: float) -> Sample:
    """What a flow would tell; one event a millisecond."""
    told = {"events": events, "snapshots": snapshots, "epochs": snapshots, "snapshot": seconds}
    return {**told, "time": events / 1000, "memory": 2e8, "state_bytes": 10, **others}


def test_a_block_tells_of_its_own_events_and_snapshots() -> None:
    blocks = endurance.Blocks(100, 250)
    assert not blocks.take(sample(0, 0))
    for told in (
        sample(10, 1, 0.5),
        sample(60, 2, 0.502),
        sample(110, 3, 0.506),
        sample(205, 5, 0.526, memory=3e8),
        sample(250, 5, 0.526),
    ):
        assert not blocks.take(told)
    assert blocks.take(sample(250, 6, 0.530, state_bytes=11))
    assert blocks.closed == [
        block(110, 200.0, 2, 3.0, 4.0),
        block(205, 300.0, 1, 10.0, 10.0),
        block(250, 200.0, 1, 4.0, 4.0, state_bytes=11),
    ]


def block(
    events: int, memory: float, snapshots: int, middle: float, most: float, **others: Any
) -> dict[str, Any]:
    return {
        "events": events,
        "memory_mb": memory,
        "snapshots": snapshots,
        "snapshot_ms_p50": middle,
        "snapshot_ms_max": most,
        "state_bytes": 10,
        "events_per_second": 1000,
        **others,
    }


def test_the_last_block_waits_for_the_epoch_of_the_last_event() -> None:
    blocks = endurance.Blocks(100, 100)
    assert not blocks.take(sample(50, 1))
    assert not blocks.take(sample(100, 2))
    assert not blocks.take(sample(100, 2))
    assert blocks.take(sample(100, 3))
    assert [one["events"] for one in blocks.closed] == [100]


@pytest.mark.parametrize(
    ("found", "differences"),
    [
        ([1, 2, 3], 0),
        ([1, 3], 1),
        ([1, 2, 2, 2, 3], 2),
        ([1, 2, 3, 9], 1),
        ([9], 4),
    ],
)
def test_what_is_missing_foreign_or_there_too_often_differs(
    found: list[int], differences: int
) -> None:
    assert endurance._differences({1, 2, 3}, Counter(found)) == differences


def test_gauges_are_read_from_what_a_flow_exposes() -> None:
    text = """
# TYPE realtime_step_duration_seconds summary
realtime_step_duration_seconds_count{project="fraud",step="snapshot"} 4.0
realtime_step_duration_seconds_sum{project="fraud",step="snapshot"} 0.25
# TYPE realtime_events_total counter
realtime_events_total{project="fraud"} 12.0
"""
    found = sample_of(text)
    assert (found["snapshots"], found["snapshot"], found["events"]) == (4.0, 0.25, 12.0)
    assert (found["epochs"], found["lake"], found["memory"]) == (0.0, 0.0, 0.0)


@pytest.mark.slow
def test_every_message_of_a_run_is_one_row_or_one_dead_letter(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ("--events", "5000", "--block", "2000", "--damaged", "100", "--json")
    assert endurance.main(["fraud", *arguments]) == 0
    figures = json.loads(capsys.readouterr().out)
    sent = figures["sent"]
    assert sent["whole"] + sent["damaged"] == 5_000
    assert sent["damaged"] > 20
    assert figures["rows"] == {"events": sent["whole"], "outcomes": sent["whole"]}
    assert figures["dead_letters"] == sent["damaged"]
    assert all(one["memory_mb"] > 50 for one in figures["blocks"])
    assert figures["blocks"][-1]["events"] == sent["whole"]

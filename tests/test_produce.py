"""`python -m scripts.produce` against a real broker: what it says it sent is what is there."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Message

from flows.projects import PROJECTS, fraud
from flows.projects.spec import Label, Project
from scripts import produce, topics
from scripts.local.ports import free_port
from scripts.streams import events
from tests.topic_reader import read_topic

REFERENCE = ["fraud", "--profile", "reference"]


@pytest.fixture
def broker(any_broker: str) -> str:
    """Every test here runs with each broker."""
    return any_broker


@pytest.fixture
def project(
    broker: str, unique: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Project:
    """Fraud on topics of this test's own, at the session's broker."""
    own = replace(fraud.PROJECT, topic=unique("produced"))
    monkeypatch.setitem(PROJECTS, "fraud", own)
    monkeypatch.setenv("REALTIME_KAFKA_BOOTSTRAP", broker)
    monkeypatch.chdir(tmp_path)
    return own


def summary_of(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    summary: dict[str, Any] = json.loads(lines[0])
    return summary


def value(message: Message) -> Any:
    return msgspec.json.decode(message.value() or b"")


def write(path: Path, *lines: bytes) -> str:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return str(path)


def test_events_arrive_keyed_dated_and_in_order(
    broker: str, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    start = "2026-03-01T00:00:00+00:00"
    generated = ["--profile", "reference", "--seed", "4", "--start", start]
    arguments = ["fraud", "--events", "500", "--rate", "0", *generated]
    assert produce.main(arguments) == 0
    summary = summary_of(capsys)
    assert (summary["events"], summary["labels"], summary["failed"]) == (500, 0, 0)
    assert summary["events_per_second"] == pytest.approx(500 / summary["seconds"], rel=0.1)
    drawn = list(events("fraud", seed=4, start=datetime.fromisoformat(start), count=500))
    found = read_topic(broker, project.topic, 500)
    assert [value(message) for message in found] == drawn
    for message, event in zip(found, drawn, strict=True):
        assert message.key() == event["user_id"].encode()
        time = datetime.fromisoformat(event["timestamp"])
        assert message.timestamp()[1] == int(time.timestamp() * 1000)


def test_live_events_carry_the_time_of_day(broker: str, project: Project) -> None:
    before = datetime.now(UTC)
    assert produce.main(["fraud", "--events", "20", "--rate", "200"]) == 0
    times = [
        datetime.fromisoformat(value(message)["timestamp"])
        for message in read_topic(broker, project.topic, 20)
    ]
    assert before <= times[0] and times == sorted(times) and times[-1] <= datetime.now(UTC)


def test_options_of_the_stream_are_options_of_the_command(broker: str, project: Project) -> None:
    arguments = [*REFERENCE, "--events", "20", "--rate", "0", "--fraud-probability", "1"]
    assert produce.main([*arguments, "--merchant-id-limit", "1"]) == 0
    found = [value(message) for message in read_topic(broker, project.topic, 20)]
    assert {(event["is_fraud"], event["merchant_id"]) for event in found} == {(1, "merchant_1")}


def test_labels_are_withheld_and_all_sent_by_the_end(
    broker: str, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*REFERENCE, "--events", "200", "--rate", "0", "--label-delay", "50"]
    assert produce.main([*arguments, "--fraud-probability", "0.5"]) == 0
    summary = summary_of(capsys)
    assert (summary["events"], summary["labels"]) == (200, 200)
    sent = read_topic(broker, project.topic, 200)
    labels = read_topic(broker, project.labels_topic, 200)
    assert {value(message)["is_fraud"] for message in sent} == {None}
    drawn = list(events("fraud", fraud_probability=0.5, count=200))
    read = [msgspec.json.decode(message.value() or b"", type=Label) for message in labels]
    assert [(label.event_id, label.label) for label in read] == [
        (event["transaction_id"], event["is_fraud"]) for event in drawn
    ]
    assert [message.key() for message in labels] == [message.key() for message in sent]


def test_file_is_sent_byte_for_byte(broker: str, project: Project, tmp_path: Path) -> None:
    drawn = [msgspec.json.encode(event) + b" " for event in events("fraud", count=30)]
    assert produce.main(["fraud", "--input", write(tmp_path / "in.jsonl", *drawn)]) == 0
    assert [message.value() for message in read_topic(broker, project.topic, 30)] == drawn


def test_file_is_cut_after_the_events_asked_for(
    broker: str, project: Project, tmp_path: Path
) -> None:
    drawn = [msgspec.json.encode(event) for event in events("fraud", count=30)]
    source = write(tmp_path / "in.jsonl", *drawn)
    assert produce.main(["fraud", "--input", source, "--events", "7"]) == 0
    assert [message.value() for message in read_topic(broker, project.topic, 7)] == drawn[:7]


@pytest.mark.usefixtures("project")
def test_file_with_a_fault_is_refused_whole(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    good = msgspec.json.encode(next(events("fraud")))
    source = write(tmp_path / "in.jsonl", good, b'{"transaction_id": 5}')
    assert produce.main(["fraud", "--input", source]) == 1
    assert "in.jsonl, line 2: " in caplog.text
    assert "Expected `str`, got `int` - at `$.transaction_id`" in caplog.text
    assert capsys.readouterr().out == ""


def test_raw_lines_are_sent_as_they_are(broker: str, project: Project, tmp_path: Path) -> None:
    good = msgspec.json.encode(next(events("fraud")))
    lines = [b"\xff\x00", good, b"", b'{"amount": "much"}']
    source = write(tmp_path / "in.jsonl", *lines)
    assert produce.main(["fraud", "--input", source, "--raw"]) == 0
    found = read_topic(broker, project.topic, 4)
    assert [message.value() or b"" for message in found] == lines
    assert [message.key() is None for message in found] == [True, False, True, True]


def test_planned_drifts_and_scenarios_are_told_at_their_events(
    broker: str, project: Project, tmp_path: Path
) -> None:
    plan = ["--drift", "sudden:mild:30", "--scenario", "attack:10:20:0.5", "--log", "log.jsonl"]
    assert produce.main(["fraud", "--events", "50", "--rate", "0", *plan]) == 0
    told = [value(message) for message in read_topic(broker, f"{project.topic}_changes", 3)]
    assert [(one["event_number"], one["what"]) for one in told] == [
        (10, "scenario"),
        (30, "drift"),
        (30, "scenario"),
    ]
    assert (told[0]["scenario"], told[0]["intensity"]) == ("attack", 0.5)
    assert [json.loads(line) for line in (tmp_path / "log.jsonl").read_bytes().splitlines()] == told


def test_settings_are_the_defaults_of_options(
    broker: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in [
        ("RATE", "0"),
        ("PROFILE", "reference"),
        ("LABEL_DELAY", "exp:5"),
        ("LABEL_MISSING", "0.5"),
        ("DRIFT", "sudden:mild:3, gradual:severe:9:4"),
    ]:
        monkeypatch.setenv(f"REALTIME_PRODUCER_{name}", text)
    assert produce.main(["fraud", "--events", "40"]) == 0
    sent = [value(message) for message in read_topic(broker, project.topic, 40)]
    assert {event["is_fraud"] for event in sent} == {None}
    assert len({event["user_id"] for event in sent}) == 40
    told = [value(message) for message in read_topic(broker, f"{project.topic}_changes", 2)]
    assert [(one["kind"], one["at"], one["width"]) for one in told] == [
        ("sudden", 3, 2_000),
        ("gradual", 9, 4),
    ]
    assert 1 <= len(read_topic(broker, project.labels_topic, 1)) < 40


@pytest.mark.usefixtures("project")
def test_setting_that_no_option_could_have_is_an_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("REALTIME_PRODUCER_LABEL_DELAY", "soon")
    assert produce.main(["fraud", "--events", "1"]) == 1
    assert "label delay 'soon'" in caplog.text


@pytest.mark.usefixtures("project")
def test_unknown_planned_scenario_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    assert produce.main(["fraud", "--events", "1", "--scenario", "fog"]) == 1
    assert "no scenario 'fog'; known: attack" in caplog.text


@pytest.mark.usefixtures("project")
def test_topics_are_made_once_and_found_again() -> None:
    arguments = ["fraud", "--events", "1", "--rate", "0"]
    assert produce.main(arguments) == produce.main(arguments) == 0


def test_full_queue_waits_and_drops_nothing(
    broker: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"queue.buffering.max.messages": "20", "linger.ms": "1"}
    monkeypatch.setenv("REALTIME_KAFKA_OPTIONS", json.dumps(options))
    assert produce.main([*REFERENCE, "--events", "500", "--rate", "0"]) == 0
    found = [value(message)["transaction_id"] for message in read_topic(broker, project.topic, 500)]
    assert found == [event["transaction_id"] for event in events("fraud", count=500)]


@pytest.mark.usefixtures("project")
def test_message_that_cannot_be_sent_is_an_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("REALTIME_KAFKA_OPTIONS", '{"message.max.bytes": "1000"}')
    source = Path("big.jsonl")
    source.write_bytes(b"x" * 5000)
    assert produce.main(["fraud", "--input", str(source), "--raw"]) == 1
    assert "5000 bytes" in caplog.text and "not delivered" in caplog.text
    assert produce.main(["fraud", "--rate", "0", "--events", "3"]) == 0


@pytest.mark.usefixtures("project")
def test_unknown_kafka_option_is_an_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("REALTIME_KAFKA_OPTIONS", '{"colour": "red"}')
    assert produce.main(["fraud", "--events", "1"]) == 1
    assert "REALTIME_KAFKA_OPTIONS" in caplog.text and "colour" in caplog.text


@pytest.mark.usefixtures("project")
def test_absent_broker_is_an_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(topics, "TIMEOUT_SECONDS", 0.5)
    monkeypatch.setenv("REALTIME_KAFKA_BOOTSTRAP", f"127.0.0.1:{free_port()}")
    assert produce.main(["fraud", "--events", "1"]) == 1
    assert "no Kafka at 127.0.0.1" in caplog.text and "REALTIME_KAFKA_BOOTSTRAP" in caplog.text


@pytest.mark.usefixtures("project")
def test_impossible_option_of_the_stream_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    assert produce.main([*REFERENCE, "--fraud-probability", "2"]) == 1
    assert "fraud_probability=2.0" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ([], "PROJECT"),
        (["weather"], "weather"),
        (["fraud", "--rate", "-1"], "no rate"),
        (["fraud", "--rate", "inf"], "no rate"),
        (["fraud", "--rate", "fast"], "fast"),
        (["fraud", "--events", "-1"], "negative"),
        (["fraud", "--label-delay", "-1"], "negative"),
        (["fraud", "--profile", "wild"], "wild"),
        (["fraud", "--start", "2026-01-01T00:00:00"], "no time zone"),
        (["fraud", "--input", "-", "--seed", "1", "--fraud-probability", "1"], "--seed, --fraud-"),
        (["fraud", "--raw"], "--input"),
        (["fraud", "--label-delay", "soon"], "label delay 'soon'"),
        (["fraud", "--label-missing", "2"], "no share"),
        (["fraud", "--drift", "slow"], "no drift 'slow'"),
        (["fraud", "--drift", "sudden:mild:soon"], "KIND:SEVERITY:AT:WIDTH"),
        (["fraud", "--scenario", "attack:0:1:1:1"], "more than 4 parts"),
        (["fraud", "--input", "-", "--drift", "sudden"], "leave out --drift"),
        (["fraud", "--input", "-", "--truth", "t", "--log", "l"], "leave out --log, --truth"),
        (["fraud", "--raw", "--input", "-", "--label-missing", "1"], "--label-missing"),
        (["fraud", "--raw", "--input", "-", "--label-delay", "1"], "--label-delay"),
    ],
)
def test_command_line_that_makes_no_sense_is_refused(
    arguments: list[str], fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        produce.main(arguments)
    assert refused.value.code == 2
    assert fault in capsys.readouterr().err


@pytest.mark.usefixtures("project")
def test_signal_handlers_are_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    produce.main(["fraud", "--events", "0"])
    assert signal.getsignal(signal.SIGTERM) is before

"""Dead letters are listed, shown, mended and sent back, each once; on a real broker."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Message as KafkaMessage

from flows import projects
from flows.errors import ConflictError, EventError, StoreError
from flows.learning.learner import Learner
from flows.projects import fraud
from flows.projects.spec import Project
from flows.settings import Settings
from flows.streaming.cluster import identities
from flows.streaming.dead_letter_sink import DeadLetterSink
from flows.streaming.decode import decoder
from flows.streaming.learn import learn
from flows.streaming.log_reader import read_to_end
from flows.streaming.messages import Message, Polled, Source
from scripts import dead_letters as command
from scripts.kafka import Record
from scripts.letters import read_letters
from scripts.replays import Checker, Replays
from scripts.topics import ensure_topics
from tests.examples import fraud_values
from tests.flow_process import send

KEY = b"a key"
GOOD = list(fraud_values(6, seed=3))
BROKEN = [
    msgspec.json.encode({**GOOD[0], "amount": -5}),
    msgspec.json.encode({**GOOD[1], "amount": -6}),
    b'{"not": JSON}',
    msgspec.json.encode({**GOOD[2], "user_id": 7}),
]


@pytest.fixture
def settings(broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("REALTIME_KAFKA_BOOTSTRAP", broker)
    monkeypatch.setenv("REALTIME_LAKE_URI", str(tmp_path / "lake"))
    return Settings(_env_file=None)


@pytest.fixture
def project(
    settings: Settings, unique: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> Project:
    """Fraud on topics of this test's own, with four broken messages among its dead letters."""
    own = replace(fraud.PROJECT, topic=unique("replays"))
    monkeypatch.setitem(projects.PROJECTS, "fraud", own)
    ensure_topics(own, settings)
    send(settings, own.topic, [Record(KEY, value, 1_767_225_600_000) for value in BROKEN])
    bury(settings, own)
    return own


def bury(settings: Settings, project: Project) -> None:
    """What a flow does with all that is no event on the events' topic."""
    polled = poll(settings, project)
    sinks = DeadLetterSink(settings, project.dead_letters_topic)
    sink = sinks.build_part("dead_letters", "0000", None)
    sink.write_batch([decoder(project)(polled)])
    sink.snapshot()


def poll(settings: Settings, project: Project) -> Polled:
    identity = identities(settings, [project.topic])[project.topic]
    messages = [
        Message(one.offset() or 0, one.timestamp()[1] / 1000, as_bytes(one.key()), one.value())
        for one in on(settings, project)
    ]
    return Polled(Source(project.topic, 0), identity, messages)


def as_bytes(key: str | bytes | None) -> bytes | None:
    return key.encode() if isinstance(key, str) else key


def on(settings: Settings, project: Project) -> list[KafkaMessage]:
    return list(read_to_end(settings, project.topic, 0))


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    """The command's answer, from JSON where it is that."""
    capsys.readouterr()
    name, *others = arguments
    assert command.main([name, "fraud", *others]) == code
    out = capsys.readouterr().out
    return json.loads(out) if name == "replay" and out else out


def test_letters_are_listed_newest_last(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    *lines, summary = run(capsys, "list").splitlines()
    assert [line.split()[0] for line in lines] == ["0/0", "0/1", "0/2", "0/3"]
    assert f"{project.topic}/0/2" in lines[2]
    assert "undecodable: JSON is malformed" in lines[2]
    assert "'a key'" in lines[0]
    assert summary == "4 dead letters: 3 invalid, 1 undecodable"
    assert len(run(capsys, "list", "--limit", "2").splitlines()) == 3
    (one,) = run(capsys, "list", "--reason", "undecodable", "--json").splitlines()
    told = json.loads(one)
    assert (told["offset"], told["bytes"], told["key"]) == (2, len(BROKEN[2]), "a key")


def test_a_letter_is_shown_with_its_fault(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    page = run(capsys, "show", "0")
    assert "$.amount is -5" in page
    assert '  "amount": -5,' in page
    assert f"__realtime.errors.topic: {project.topic}" in page
    assert "^ byte" in run(capsys, "show", "2")
    run(capsys, "show", "99", code=1)


def test_a_mended_letter_goes_back_to_its_topic(
    settings: Settings, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    told = run(capsys, "replay", "--offsets", "0-1", "--set", "amount=5")
    assert told == {"chosen": 2, "sent_before": 0, "refused": 0, "valid": 2, "sent": 2}
    *_, first, second = on(settings, project)
    assert json.loads(first.value() or b"") == {**GOOD[0], "amount": 5}
    assert json.loads(second.value() or b"") == {**GOOD[1], "amount": 5}
    assert first.key() == KEY
    assert first.timestamp()[1] == 1_767_225_600_000
    name = dict(first.headers() or [])["__realtime.replayed.from"]
    assert isinstance(name, bytes) and name.decode().endswith(f"{project.dead_letters_topic}/0/0")


def test_nothing_is_sent_twice(
    settings: Settings, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "replay", "--offsets", "0", "--set", "amount=5")
    told = run(capsys, "replay", "--offsets", "0,1", "--set", "amount=5")
    assert (told["sent_before"], told["sent"]) == (1, 1)
    assert run(capsys, "replay", "--offsets", "0-1", "--set", "amount=5")["sent"] == 0
    assert len(on(settings, project)) == len(BROKEN) + 2


def test_what_is_still_no_event_is_refused(
    settings: Settings,
    project: Project,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = run(capsys, "replay", "--all", "--set", "amount=1", code=1)
    assert (told["refused"], told["sent"]) == (2, 2)
    assert "dead letter 0/2 is refused: JSON is malformed" in caplog.text
    assert "$.user_id" in caplog.text
    assert len(on(settings, project)) == len(BROKEN) + 2


def test_a_dry_run_changes_nothing(
    settings: Settings, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    told = run(capsys, "replay", "--offsets", "0", "--set", "amount=1", "--dry-run")
    assert (told["valid"], told["sent"]) == (1, 0)
    assert len(on(settings, project)) == len(BROKEN)
    assert not Path(settings.lake_uri).exists()


def test_exported_lines_are_corrected_and_replayed(
    settings: Settings,
    project: Project,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "letters.jsonl"
    run(capsys, "export", str(path))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    corrected = [
        {"partition": 0, "offset": 2, "value": GOOD[4]},
        {**lines[3], "value": {**lines[3]["value"], "user_id": "7"}},
    ]
    path.write_text("\n".join(map(json.dumps, corrected)))
    assert run(capsys, "replay", "--edit", str(path))["sent"] == 2
    sent = [json.loads(one.value() or b"") for one in on(settings, project)[len(BROKEN) :]]
    assert sent == [GOOD[4], {**GOOD[2], "user_id": "7"}]


def test_letters_that_are_not_there_are_an_error(
    project: Project, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    run(capsys, "replay", "--offsets", "77", code=1)
    assert "no such dead letters" in caplog.text
    assert project.topic not in caplog.text


@pytest.mark.parametrize("arrived", [0, 1, 2])
def test_a_replay_that_died_is_completed_not_repeated(
    settings: Settings, project: Project, capsys: pytest.CaptureFixture[str], arrived: int
) -> None:
    """It noted what it was about to send, sent some of it, and died before it noted that."""
    letters = list(read_letters(settings, project))[:2]
    checker = Checker(project)
    due = [
        checker.check(letter, msgspec.json.encode({**value, "amount": 5}))
        for letter, value in zip(letters, GOOD[:2], strict=True)
    ]
    died = Replays(settings, project)
    died.begin(due, -1)
    died.produce(due[:arrived])
    told = run(capsys, "replay", "--offsets", "0-1", "--set", "amount=5")
    assert (told["sent_before"], told["sent"]) == (arrived, 2 - arrived)
    sent = [json.loads(one.value() or b"") for one in on(settings, project)[len(BROKEN) :]]
    assert [one["transaction_id"] for one in sent] == [one["transaction_id"] for one in GOOD[:2]]


def test_of_two_replays_at_once_one_is_refused(settings: Settings, project: Project) -> None:
    letter = next(iter(read_letters(settings, project)))
    due = [Checker(project).check(letter, msgspec.json.encode(GOOD[0]))]
    Replays(settings, project).begin(due, -1)
    with pytest.raises((ConflictError, StoreError)):
        Replays(settings, project).begin(due, -1)
    assert len(on(settings, project)) == len(BROKEN)


def test_a_letter_without_key_gets_its_entitys(settings: Settings, project: Project) -> None:
    letter = replace(next(iter(read_letters(settings, project))), key=None)
    checker = Checker(project)
    good = msgspec.json.encode(GOOD[0])
    assert checker.check(letter, good).key == GOOD[0]["user_id"].encode()
    label = b'{"event_id": "1", "label": 1, "timestamp": "2026-01-01T00:00:00Z"}'
    of_labels = replace(letter, topic=project.labels_topic)
    assert checker.check(of_labels, label).key is None
    with pytest.raises(EventError, match="no topic of the project"):
        checker.check(replace(letter, topic="elsewhere"), good)


def test_a_letter_that_is_sent_twice_all_the_same_is_learnt_once(
    settings: Settings,
    project: Project,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another lake knows of no replay; the learner knows the event."""
    for lake in ("one", "another"):
        monkeypatch.setenv("REALTIME_LAKE_URI", str(tmp_path / lake))
        assert run(capsys, "replay", "--offsets", "0-1", "--set", "amount=5")["sent"] == 2
    learner = Learner.fresh(project)
    learned = learn(learner, decoder(project)(poll(settings, project)))
    assert learner.state.counts["learned"] == 2
    assert learner.state.counts["duplicate"] == 2
    assert learner.state.counts["dead_letters"] == len(BROKEN)
    statuses = [row.status for row in learned.outcomes]
    assert statuses == ["matched", "matched", "duplicate", "duplicate"]

"""What a recovery directory tells of the flow that it belongs to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from bytewax.recovery import init_db_dir

from flows.errors import ConflictError
from flows.streaming.recovery import directory_of, known_parts

RUN = "/somewhere/bytewax/run.py"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    init_db_dir(tmp_path, 2)
    return tmp_path


@contextmanager
def opened(directory: Path, part: int = 1) -> Iterator[sqlite3.Connection]:
    path = directory / f"part-{part}.sqlite3"
    with closing(sqlite3.connect(path)) as database, database:
        yield database


def save(directory: Path, step: str, key: str = "visits/0000", part: int = 1) -> None:
    with opened(directory, part) as database:
        row = (step, key, 1, b"")
        database.execute(
            "INSERT INTO snaps (step_id, state_key, snap_epoch, ser_change) VALUES (?, ?, ?, ?)",
            row,
        )


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ([RUN, "flows.fraud", "-r", "data/r", "-s", "10", "-b", "0"], Path("data/r")),
        ([RUN, "flows.fraud", "--recovery-directory=data/r", "-i", "0", "-a", "x"], Path("data/r")),
        ([RUN, "flows.fraud"], None),
        (["/somewhere/pytest/__main__.py", "-r", "a"], None),
    ],
)
def test_the_directory_is_the_one_of_the_command(command: list[str], expected: Path | None) -> None:
    assert directory_of(command) == expected


def test_the_directory_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYTEWAX_RECOVERY_DIRECTORY", "/recovery")
    assert directory_of([RUN, "flows.fraud"]) == Path("/recovery")


def test_a_new_directory_knows_nothing(directory: Path, tmp_path: Path) -> None:
    assert known_parts(None, "fraud") == frozenset()
    assert known_parts(directory, "fraud") == frozenset()
    assert known_parts(tmp_path / "missing", "fraud") == frozenset()


def test_the_parts_are_those_of_the_input(directory: Path) -> None:
    save(directory, "fraud.learn", "0")
    save(directory, "fraud.kafka", "visits/0000")
    save(directory, "fraud.kafka", "visits/0001", part=0)
    assert known_parts(directory, "fraud") == {"visits/0000", "visits/0001"}


def test_the_directory_of_another_project_is_refused(directory: Path) -> None:
    save(directory, "trips.kafka")
    with pytest.raises(ConflictError) as caught:
        known_parts(directory, "fraud")
    message = str(caught.value)
    assert "belongs to trips, not to fraud" in message
    assert str(directory) in message
    assert "python -m bytewax.recovery" in message


def test_asking_leaves_what_is_not_checkpointed_yet(directory: Path) -> None:
    """A killed flow leaves the newest state in the write-ahead log."""
    with opened(directory) as database:
        database.execute("PRAGMA journal_mode=WAL")
    with closing(sqlite3.connect(directory / "part-1.sqlite3")) as running:
        running.execute("PRAGMA wal_autocheckpoint=0")
        save(directory, "fraud.kafka")
        assert known_parts(directory, "fraud")
    assert known_parts(directory, "fraud")

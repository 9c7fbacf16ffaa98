"""Upkeep of the lake beside flows that write and readers that read: every row stays, once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.dataset as ds
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from flows.errors import ConflictError, StoreError
from flows.settings import Settings
from flows.stores.lake import LakeTable
from scripts.lake_lease import Lease
from tests.examples import fraud_events
from tests.flow_process import rows
from tests.polls import learned, part
from tests.upkeep_parts import (
    EVENTS,
    HOUR,
    LOG,
    PROJECT,
    WHOLE,
    age,
    maintain,
    on_disk,
    sink,
    table,
    write,
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, lake_uri=str(tmp_path / "lake"))


def test_many_files_become_one_and_every_row_stays(settings: Settings) -> None:
    write(settings)
    before = rows(settings, EVENTS)
    told = maintain(settings)
    assert told["files"] == [20, 1]
    assert told["compacted"] == 20
    assert rows(settings, EVENTS).equals(before)
    assert len(before) == 60


def test_watermarks_survive_compaction_checkpoint_and_cleanup(settings: Settings) -> None:
    write(settings)
    held = table(settings)
    maintain(settings)
    for seen in (held, table(settings)):
        seen.update_incremental()
        assert seen.transaction_version(LOG) == 59
    write(settings)
    assert rows(settings, EVENTS)["kafka_offset"].to_list() == list(range(60))


def test_watermarks_survive_when_the_log_before_the_checkpoint_is_gone(settings: Settings) -> None:
    """After the log's own retention nothing but the checkpoint knows of them."""
    write(settings)
    maintain(settings)
    newest = table(settings).version()
    for entry in Path(settings.lake_uri, EVENTS, "_delta_log").glob("*.json"):
        if int(entry.stem) < newest:
            entry.unlink()
    assert table(settings).transaction_version(LOG) == 59
    maintain(settings)
    write(settings)
    assert rows(settings, EVENTS)["kafka_offset"].to_list() == list(range(60))


def test_a_second_round_changes_nothing(settings: Settings) -> None:
    write(settings)
    maintain(settings)
    before = table(settings).file_uris()
    told = maintain(settings)
    assert (told["compacted"], told["vacuumed"], told["orphans"]) == (0, 0, 0)
    assert told["files"] == [1, 1]
    assert table(settings).file_uris() == before


def test_only_one_upkeep_at_a_time(settings: Settings) -> None:
    """delta-rs lets two compactions commit, and rows would be there twice."""
    write(settings)
    lease = Lease(lambda: table(settings))
    lease.renew()
    lease.renew()
    with pytest.raises(ConflictError, match="another upkeep"):
        maintain(settings)
    lease.release()
    assert maintain(settings)["compacted"] == 20
    assert len(rows(settings, EVENTS)) == 60


def test_of_two_leases_taken_at_once_one_is_refused(settings: Settings) -> None:
    write(settings, epochs=1)
    stale = table(settings)
    Lease(lambda: table(settings)).renew()
    with pytest.raises(ConflictError, match="another upkeep"):
        Lease(lambda: stale).renew()


def test_the_lease_of_an_upkeep_that_died_ends(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(settings)
    dead = Lease(lambda: table(settings))
    with monkeypatch.context() as patch:
        patch.setattr("scripts.lake_lease.LEASE_SECONDS", -1.0)
        dead.renew()
    living = Lease(lambda: table(settings))
    living.renew()
    dead.release()
    with pytest.raises(ConflictError):
        maintain(settings)
    living.release()
    assert maintain(settings)["compacted"] == 20


def test_an_upkeep_that_fails_gives_its_lease_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(settings)
    with monkeypatch.context() as patch, pytest.raises(StoreError):
        patch.setattr("scripts.lake_upkeep.FIRST_PAUSE", 0.0)
        patch.setattr(DeltaTable, "create_checkpoint", failing)
        maintain(settings)
    assert maintain(settings)["files"] == [1, 1]


def failing(*_: Any) -> None:
    raise DeltaError("the disk is full")


def test_a_reader_of_an_older_version_can_finish(settings: Settings) -> None:
    write(settings)
    age(on_disk(settings), 1_000)
    reader = table(settings).to_pyarrow_dataset()
    maintain(settings)
    assert len(reader.to_table()) == 60
    assert len(on_disk(settings)) == 21


def test_removed_files_go_after_the_retention(settings: Settings) -> None:
    write(settings)
    maintain(settings)
    hours_later(settings, 23)
    assert maintain(settings)["vacuumed"] == 0
    hours_later(settings, 2)
    assert maintain(settings)["vacuumed"] == 20
    assert len(on_disk(settings)) == 1
    assert len(rows(settings, EVENTS)) == 60


def hours_later(settings: Settings, hours: float) -> None:
    """As though all that the log tells of had been so many hours earlier."""
    log = Path(settings.lake_uri, EVENTS, "_delta_log")
    for entry in (*log.glob("*.checkpoint.parquet"), log / "_last_checkpoint"):
        entry.unlink()
    for entry in log.glob("*.json"):
        actions = [json.loads(line) for line in entry.read_text().splitlines()]
        for action in actions:
            if "remove" in action:
                action["remove"]["deletionTimestamp"] -= int(hours * HOUR * 1000)
        entry.write_text("".join(json.dumps(action) + "\n" for action in actions))
    age(on_disk(settings), hours)


def test_files_that_no_commit_names_go_only_when_they_are_old(settings: Settings) -> None:
    write(settings)
    before = on_disk(settings)
    lake_table = LakeTable(settings, EVENTS, table(settings).to_pyarrow_table().schema)
    staged = lake_table.stage(table(settings).to_pyarrow_table())
    young = on_disk(settings) - before
    assert maintain(settings)["orphans"] == 0
    assert young <= on_disk(settings)
    age(young, 23)
    assert maintain(settings)["orphans"] == 0
    age(young, 25)
    assert maintain(settings)["orphans"] == len(staged) == 1
    assert not young & on_disk(settings)
    assert len(rows(settings, EVENTS)) == 60


def test_rows_staged_during_upkeep_can_be_committed(settings: Settings) -> None:
    write(settings, epochs=10)
    flow = sink(settings)
    flow.write_batch([part(WHOLE, 30, 45)])
    maintain(settings)
    flow.snapshot()
    maintain(settings)
    flow.write_batch([part(WHOLE, 45, 60)])
    flow.snapshot()
    flow.close()
    assert rows(settings, EVENTS)["kafka_offset"].to_list() == list(range(60))


def test_files_of_others_are_left_alone(settings: Settings) -> None:
    write(settings)
    notes = Path(settings.lake_uri, EVENTS, "notes.txt")
    notes.write_text("mine")
    age({notes}, 1_000)
    maintain(settings)
    assert notes.read_text() == "mine"


@pytest.mark.parametrize("name", ["timestamp", "kafka_time", "kafka_offset", "account_age_days"])
def test_readers_that_skip_files_by_their_bounds_miss_nothing(
    settings: Settings, name: str
) -> None:
    odd = [
        msgspec.structs.replace(event, timestamp=datetime(2026, 3, 1, 1, 1, i, 999_999, UTC))
        for i, event in enumerate(fraud_events(12))
    ]
    flow, whole = sink(settings), learned(PROJECT, odd)
    for start in range(12):
        flow.write_batch([part(whole, start, start + 1)])
        flow.snapshot()
    flow.close()
    maintain(settings)
    for value in table(settings).to_pyarrow_table()[name].unique():
        assert len(table(settings).to_pyarrow_dataset().to_table(filter=ds.field(name) == value))

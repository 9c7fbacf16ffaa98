"""Upkeep of the lake beside flows that write and readers that read: every row stays, once."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from flows.errors import ConflictError, SettingsError, StoreError
from flows.projects import fraud
from flows.settings import Settings
from flows.stores.lake import LakeTable
from flows.streaming.lake_sink import LakePartition, LakeSink
from scripts import lake as command
from scripts.lake_lease import Lease
from scripts.lake_upkeep import Lake, Upkeep, describe, kept_hours, table_names
from tests.examples import fraud_events
from tests.flow_process import rows
from tests.polls import CLUSTER, learned, part

PROJECT = fraud.PROJECT
EVENTS, OUTCOMES = table_names(PROJECT)
LOG = f"{CLUSTER}/{EVENTS}/0"
HOUR = 3600.0
WHOLE = learned(PROJECT, fraud_events(60))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, lake_uri=str(tmp_path / "lake"))


def sink(settings: Settings) -> LakePartition:
    return LakeSink(PROJECT, settings, threading.Event()).build_part("lake", "0000", None)


def write(settings: Settings, epochs: int = 20, rows_each: int = 3) -> None:
    """As many commits as epochs."""
    flow = sink(settings)
    for start in range(0, epochs * rows_each, rows_each):
        flow.write_batch([part(WHOLE, start, start + rows_each)])
        flow.snapshot()
    flow.close()


def table(settings: Settings, name: str = EVENTS) -> DeltaTable:
    return DeltaTable(f"{settings.lake_uri}/{name}")


def maintain(settings: Settings, name: str = EVENTS, hours: int = 24) -> dict[str, Any]:
    told = Upkeep(Lake(settings), hours).maintain(name)
    assert told is not None
    return told


def on_disk(settings: Settings, name: str = EVENTS) -> set[Path]:
    return set(Path(settings.lake_uri, name).glob("date=*/*.parquet"))


def age(files: set[Path], hours: float) -> None:
    past = time.time() - hours * HOUR
    for file in files:
        os.utime(file, (past, past))


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


@pytest.mark.parametrize("hours", [0, 1, 23, -5])
def test_a_retention_under_a_day_is_refused(settings: Settings, hours: int) -> None:
    with pytest.raises(SettingsError, match="24 h or more"):
        Upkeep(Lake(settings), hours)


def test_a_retention_longer_than_the_log_remembers_is_refused(settings: Settings) -> None:
    write(settings, epochs=1)
    with pytest.raises(SettingsError, match="deletedFileRetentionDuration"):
        maintain(settings, hours=169)
    properties = {"delta.deletedFileRetentionDuration": "interval 30 days"}
    table(settings).alter.set_table_properties(properties)
    assert maintain(settings, hours=720)


def test_intervals_are_read_as_delta_writes_them() -> None:
    assert kept_hours(None) == 168
    assert kept_hours("interval 1 hour") == 1
    assert kept_hours("interval 2 weeks") == 336
    with pytest.raises(SettingsError, match="interval 7 days"):
        kept_hours("seven days")


def test_a_table_that_is_not_made_yet_is_passed_over(settings: Settings) -> None:
    assert Upkeep(Lake(settings)).maintain(EVENTS) is None
    assert describe(Lake(settings), EVENTS) is None
    assert not Path(settings.lake_uri).exists()


def test_a_broken_table_is_a_clear_error(settings: Settings) -> None:
    write(settings, epochs=2)
    for entry in Path(settings.lake_uri, EVENTS, "_delta_log").glob("*.json"):
        entry.write_text("no JSON")
    with pytest.raises(StoreError, match="REALTIME_LAKE_URI"):
        maintain(settings)


def test_a_table_tells_how_far_each_log_is_in_it(settings: Settings) -> None:
    write(settings, epochs=10)
    flow = sink(settings)
    flow.write_batch([learned(PROJECT, fraud_events(5), identity="another/log")])
    flow.snapshot()
    flow.close()
    told = describe(Lake(settings), EVENTS)
    assert told is not None
    assert (told["rows"], told["files"], told["version"]) == (35, 11, 11)
    assert told["bytes"] == sum(file.stat().st_size for file in on_disk(settings))
    assert told["logs"] == [
        {"log": LOG, "rows": 30, "watermark": 29},
        {"log": f"another/log/{EVENTS}/0", "rows": 5, "watermark": 4},
    ]


def flow_process(settings: Settings, epochs: int, shard: int) -> None:
    """A flow of one shard, as a process of its own; a commit every few milliseconds."""
    flow = sink(settings)
    events = fraud_events(2 * epochs, seed=shard)
    whole = learned(PROJECT, events, partition=shard)
    for start in range(0, 2 * epochs, 2):
        flow.write_batch([part(whole, start, start + 2)])
        flow.snapshot()
        time.sleep(0.005)
    flow.close()


def test_flows_readers_and_two_upkeeps_do_not_disturb_each_other(settings: Settings) -> None:
    epochs, shards = 50, 2
    context = multiprocessing.get_context("spawn")
    flows = [
        context.Process(target=flow_process, args=(settings, epochs, shard))
        for shard in range(shards)
    ]
    failures: list[BaseException] = []
    done, rounds = threading.Event(), [0, 0]
    helpers = [
        threading.Thread(target=again_and_again, args=(work, done, failures))
        for work in (
            lambda: upkeep(settings, rounds, 0),
            lambda: upkeep(settings, rounds, 1),
            lambda: read(settings),
        )
    ]
    for process in flows:
        process.start()
    for helper in helpers:
        helper.start()
    for process in flows:
        process.join()
    done.set()
    for helper in helpers:
        helper.join()
    assert failures == []
    assert [process.exitcode for process in flows] == [0, 0]
    assert sum(rounds) > 1
    for name in (EVENTS, OUTCOMES):
        maintain(settings, name)
        frame = rows(settings, name)
        for shard in range(shards):
            found = frame.filter(frame["kafka_partition"] == shard)["kafka_offset"].to_list()
            assert found == list(range(2 * epochs))
            held = table(settings, name).transaction_version(f"{CLUSTER}/{EVENTS}/{shard}")
            assert held == 2 * epochs - 1


def again_and_again(work: Any, done: threading.Event, failures: list[BaseException]) -> None:
    try:
        while not done.is_set():
            work()
            time.sleep(0.01)
    except BaseException as error:
        failures.append(error)


def upkeep(settings: Settings, rounds: list[int], number: int) -> None:
    for name in (EVENTS, OUTCOMES):
        with suppress(ConflictError):
            if Upkeep(Lake(settings), 24).maintain(name):
                rounds[number] += 1


def read(settings: Settings) -> None:
    """What a version holds can be read slowly, and is whole: no offset twice or left out."""
    if not DeltaTable.is_deltatable(f"{settings.lake_uri}/{EVENTS}"):
        return
    for offsets in offsets_of(table(settings)):
        assert offsets == list(range(len(offsets)))


def offsets_of(version: DeltaTable) -> Iterator[list[int]]:
    held = version.to_pyarrow_dataset().to_table(columns=["kafka_partition", "kafka_offset"])
    frame = pa.table(held).group_by("kafka_partition").aggregate([("kafka_offset", "list")])
    for offsets in frame["kafka_offset_list"].to_pylist():
        yield sorted(offsets)


def test_the_command_tells_of_every_table(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(settings)
    monkeypatch.setenv("REALTIME_LAKE_URI", settings.lake_uri)
    assert command.main(["maintain", "fraud", "--retain-hours", "24", "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["table"] for one in told] == [EVENTS, OUTCOMES]
    assert all(one["files"] == [20, 1] for one in told)
    assert command.main(["show"]) == 0
    shown = capsys.readouterr().out
    assert f"{LOG}: 60 rows, taken in to offset 59" in shown
    assert command.main(["maintain", "--all"]) == 0
    assert "files" in capsys.readouterr().out


def test_the_command_refuses_what_would_harm(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("REALTIME_LAKE_URI", settings.lake_uri)
    assert command.main(["maintain", "fraud", "--retain-hours", "1"]) == 1
    assert "24 h or more" in caplog.text
    with pytest.raises(SystemExit):
        command.main(["show", "no such project"])

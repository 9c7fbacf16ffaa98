"""Upkeep beside flows and readers, and the commands that tell of it and start it."""

from __future__ import annotations

import json
import multiprocessing
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from flows.errors import ConflictError, SettingsError, StoreError
from flows.settings import Settings
from scripts import lake as command
from scripts.lake_upkeep import Lake, Upkeep, describe, kept_hours
from tests.examples import fraud_events
from tests.flow_process import rows
from tests.polls import CLUSTER, learned, part
from tests.upkeep_parts import EVENTS, LOG, OUTCOMES, PROJECT, maintain, on_disk, sink, table, write


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, lake_uri=str(tmp_path / "lake"))


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

"""Tables of the lake: rows and watermarks in one commit, or neither."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from threading import Barrier

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from flows.errors import ConflictError, ProjectError, StoreError
from flows.settings import Settings
from flows.stores.lake import PARTITION, LakeTable

SCHEMA = pa.schema([("number", pa.int64()), (PARTITION, pa.date32())])
SHARDS = 4
DAYS = (date(2026, 1, 1), date(2026, 1, 2))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, lake_uri=str(tmp_path / "lake"))


def table(settings: Settings) -> LakeTable:
    return LakeTable(settings, "numbers", SCHEMA)


def rows(*numbers: int) -> pa.Table:
    """Even numbers on one day, odd ones on the next."""
    days = [DAYS[number % 2] for number in numbers]
    return pa.table([pa.array(numbers), pa.array(days)], schema=SCHEMA)


def held(settings: Settings) -> list[int]:
    found = DeltaTable(f"{settings.lake_uri}/numbers").to_pyarrow_table()
    return sorted(found["number"].to_pylist())


def test_a_new_table_holds_nothing_of_any_source(settings: Settings) -> None:
    assert table(settings).watermark("a") == -1
    assert held(settings) == []


def test_rows_and_watermarks_are_committed_together(settings: Settings) -> None:
    lake = table(settings)
    lake.commit(lake.stage(rows(1, 2, 3)), {"a": -1, "b": -1}, {"a": 7, "b": 3})
    assert held(settings) == [1, 2, 3]
    for reader in (lake, table(settings)):
        assert [reader.watermark(source) for source in "abc"] == [7, 3, -1]


def test_many_who_make_a_table_at_once_make_one(settings: Settings) -> None:
    for attempt in range(10):
        tables = [LakeTable(settings, f"numbers{attempt}", SCHEMA) for _ in range(SHARDS)]
        start = Barrier(SHARDS)

        def use(own: LakeTable, start: Barrier = start) -> int:
            start.wait()
            return own.watermark("a")

        with ThreadPoolExecutor(SHARDS) as shards:
            assert list(shards.map(use, tables)) == [-1] * SHARDS
        for shard, own in enumerate(tables):
            own.commit(own.stage(rows(shard)), {f"{shard}": -1}, {f"{shard}": shard})
        made = DeltaTable(tables[0].uri)
        assert sorted(made.to_pyarrow_table()["number"].to_pylist()) == list(range(SHARDS))
        assert [one["operation"] for one in made.history()].count("CREATE TABLE") == 1


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"number": pa.int64(), "size": pa.float64()}, r"lacks size \(double\), and has nothing"),
        ({}, r"lacks nothing, and has number \(int64\) beyond"),
        ({"number": pa.string()}, r"lacks number \(string\), and has number \(int64\) beyond"),
    ],
)
def test_a_table_of_other_columns_is_refused(
    settings: Settings, columns: dict[str, pa.DataType], said: str
) -> None:
    table(settings).watermark("a")
    other = LakeTable(settings, "numbers", pa.schema([*columns.items(), (PARTITION, pa.date32())]))
    with pytest.raises(ProjectError, match=said):
        other.watermark("a")
    assert table(settings).watermark("a") == -1


def test_the_order_of_columns_is_free(settings: Settings) -> None:
    table(settings).watermark("a")
    turned = LakeTable(settings, "numbers", pa.schema(reversed(list(SCHEMA))))
    assert turned.watermark("a") == -1


def test_staged_rows_are_not_there_before_the_commit(settings: Settings) -> None:
    lake = table(settings)
    assert len(lake.stage(rows(1, 2, 3))) == len(DAYS)
    assert held(settings) == []


def test_each_day_has_files_of_its_own(settings: Settings) -> None:
    lake = table(settings)
    lake.commit(lake.stage(rows(1, 2, 3, 4)), {"a": -1}, {"a": 0})
    files = DeltaTable(lake.uri).file_uris()
    assert sorted(f"date={day}" in uri for uri in files for day in DAYS) == [False] * 2 + [True] * 2
    on_day = DeltaTable(lake.uri).to_pyarrow_table(filters=[("date", "=", DAYS[0])])
    assert sorted(on_day["number"].to_pylist()) == [2, 4]


def test_a_commit_that_is_repeated_changes_nothing(settings: Settings) -> None:
    lake = table(settings)
    staged = lake.stage(rows(1, 2))
    for _ in range(2):
        lake.commit(staged, {"a": -1}, {"a": 5})
    table(settings).commit(staged, {"a": -1}, {"a": 5})
    assert held(settings) == [1, 2]


@pytest.mark.parametrize("reached", [4, 6, 9])
def test_a_commit_from_another_state_is_a_conflict(settings: Settings, reached: int) -> None:
    lake = table(settings)
    lake.commit(lake.stage(rows(1)), {"a": -1}, {"a": 5})
    with pytest.raises(ConflictError, match="another flow"):
        lake.commit(lake.stage(rows(2)), {"a": 2}, {"a": reached})
    assert held(settings) == [1]


def test_without_its_place_every_attempt_is_a_store_error(settings: Settings) -> None:
    lake = table(settings)
    staged = table(settings).stage(rows(1))
    place = Path(settings.lake_uri)
    place.rename(place.with_name("aside"))
    place.write_text("no directory")
    with pytest.raises(StoreError, match="REALTIME_LAKE_URI"):
        lake.watermark("a")
    with pytest.raises(StoreError, match=str(place)):
        lake.stage(rows(1))
    with pytest.raises(StoreError):
        lake.commit(staged, {"a": -1}, {"a": 0})


def test_bytes_that_are_no_table_are_a_store_error(settings: Settings) -> None:
    log = Path(settings.lake_uri) / "numbers" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text("no JSON")
    with pytest.raises(StoreError):
        table(settings).watermark("a")

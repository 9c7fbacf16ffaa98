"""The lake on a store that speaks S3, as in a cluster: written, queried, kept and trained from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from flows.batch.dataset import load
from flows.batch.order import Order, silent
from flows.errors import ConflictError, StoreError
from flows.settings import Settings
from flows.stores.lake import PARTITION, LakeTable
from scripts.lake_lease import Lease
from scripts.lake_upkeep import Lake, Upkeep, describe
from scripts.local.ports import free_port
from tests.k8s_objects import K8S
from tests.lake_rows import EVENTS, OUTCOMES, PROJECT, WHOLE, partition
from tests.polls import part
from tests.s3_store import s3_store
from tests.sql_parts import in_time, limits, pool

pytestmark = pytest.mark.slow

SCHEMA = pa.schema([("number", pa.int64()), (PARTITION, pa.date32())])
WRITERS = 4
BUCKET = "lake"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_store(tmp_path_factory.mktemp("store") / "log", BUCKET) as url:
        yield url


def options(url: str) -> dict[str, Any]:
    """What the local cluster's flows are told, but for the address and the key."""
    text = (K8S / "overlays/k3d/secrets/realtime.env.example").read_text()
    [told] = re.findall(r"^REALTIME_LAKE_OPTIONS=(.+)$", text, re.MULTILINE)
    return {**json.loads(told), "aws_endpoint_url": url}


@pytest.fixture
def settings(store: str, request: pytest.FixtureRequest) -> Settings:
    """A lake of each test's own, where the cluster's is, and the shards of `lake_rows`."""
    [told] = re.findall(r"^REALTIME_LAKE_URI=(\S+)$", (K8S / "base/realtime.env").read_text(), re.M)
    assert told.startswith(f"s3://{BUCKET}/")
    uri = f"{told}/{request.node.name}"
    return Settings(_env_file=None, lake_uri=uri, lake_options=options(store), shards=2)


def numbers(settings: Settings) -> LakeTable:
    return LakeTable(settings, "numbers", SCHEMA)


def rows(*values: int) -> pa.Table:
    days = [date(2026, 1, 1 + value % 2) for value in values]
    return pa.table([pa.array(values), pa.array(days)], schema=SCHEMA)


def opened(settings: Settings, name: str) -> DeltaTable:
    return DeltaTable(settings.table_uri(name), storage_options=settings.storage_options)


def held(settings: Settings) -> list[int]:
    return sorted(opened(settings, "numbers").to_pyarrow_table()["number"].to_pylist())


def test_many_who_make_and_write_a_table_at_once_lose_nothing(settings: Settings) -> None:
    start = Barrier(WRITERS)

    def write(shard: int) -> None:
        lake, source = numbers(settings), f"shard/{shard}"
        start.wait()
        known = lake.watermark(source)
        for number in range(shard, 3 * WRITERS, WRITERS):
            lake.commit(lake.stage(rows(number)), {source: known}, {source: number})
            known = number

    with ThreadPoolExecutor(WRITERS) as shards:
        list(shards.map(write, range(WRITERS)))
    assert held(settings) == list(range(3 * WRITERS))
    history = opened(settings, "numbers").history()
    assert [one["operation"] for one in history].count("CREATE TABLE") == 1


def test_who_was_overtaken_writes_after_the_other(settings: Settings) -> None:
    first, second = numbers(settings), numbers(settings)
    assert first.watermark("a") == second.watermark("b") == -1
    first.commit(first.stage(rows(1)), {"a": -1}, {"a": 1})
    second.commit(second.stage(rows(2)), {"b": -1}, {"b": 2})
    assert held(settings) == [1, 2]
    assert [numbers(settings).watermark(source) for source in "ab"] == [1, 2]


def test_two_flows_of_one_source_do_not_both_write(settings: Settings) -> None:
    first, second = numbers(settings), numbers(settings)
    assert first.watermark("a") == second.watermark("a") == -1
    first.commit(first.stage(rows(1)), {"a": -1}, {"a": 1})
    with pytest.raises(StoreError, match="Concurrent transaction"):
        second.commit(second.stage(rows(2)), {"a": -1}, {"a": 2})
    with pytest.raises(ConflictError, match="another flow"):
        second.commit(second.stage(rows(2)), {"a": -1}, {"a": 2})
    assert held(settings) == [1]


def test_a_wrong_address_is_named(settings: Settings) -> None:
    nowhere = {**options(f"http://127.0.0.1:{free_port()}"), "max_retries": "0"}
    away = Settings(_env_file=None, lake_uri=settings.lake_uri, lake_options=nowhere)
    with pytest.raises(StoreError, match="REALTIME_LAKE_OPTIONS"):
        numbers(away).watermark("a")


def test_what_a_flow_writes_is_queried_kept_and_learnt_from(settings: Settings) -> None:
    sink = partition(settings)
    for begin in range(0, 40, 10):
        sink.write_batch([part(WHOLE, begin, begin + 10)])
        sink.snapshot()
    # An epoch that comes again, after a restart.
    again = partition(settings)
    again.write_batch([part(WHOLE, 20, 40)])
    again.snapshot()
    told = [Upkeep(Lake(settings)).maintain(name) for name in (EVENTS, OUTCOMES)]
    assert [one and one["files"] for one in told] == [[4, 1], [4, 1]]
    assert [(describe(Lake(settings), name) or {})["rows"] for name in (EVENTS, OUTCOMES)] == [
        40
    ] * 2
    with pool(limits(settings)) as queries:
        asked = "SELECT count(*), count(DISTINCT kafka_offset), count(is_fraud) FROM fraud"
        assert in_time(queries, asked) == [[40, 40, 40]]
    assert len(load(PROJECT, settings, Order(), silent).table.labels) == 40


def test_one_upkeep_at_a_time(settings: Settings) -> None:
    numbers(settings).watermark("a")
    first, second = (Lease(lambda: opened(settings, "numbers")) for _ in range(2))
    first.renew()
    with pytest.raises(ConflictError, match="another upkeep"):
        second.renew()
    first.release()
    second.renew()

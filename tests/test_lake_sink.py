"""Rows in the lake: in the types of events, each once, however often and in whatever pieces."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import msgspec
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from deltalake import DeltaTable
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st

from flows.errors import ConflictError
from flows.settings import Settings
from flows.stores.columns import TIMESTAMP
from tests.examples import START, fraud_events, without_label
from tests.flow_process import rows
from tests.lake_rows import (
    EVENTS,
    OUTCOMES,
    PROJECT,
    WHOLE,
    as_utc,
    lake_at,
    offsets,
    partition,
    write,
)
from tests.polls import learned, part


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return lake_at(tmp_path / "lake")


def test_every_value_of_an_event_is_in_its_row(settings: Settings) -> None:
    events = fraud_events(50)
    write(settings, learned(PROJECT, events))
    names = PROJECT.event.__struct_fields__
    assert rows(settings, EVENTS).select(names).to_dicts() == [as_utc(one) for one in events]


def test_columns_have_the_types_of_the_event(settings: Settings) -> None:
    write(settings, learned(PROJECT, fraud_events(5)))
    table = DeltaTable(f"{settings.lake_uri}/{EVENTS}")
    schema = table.to_pyarrow_table().schema
    assert schema.field("timestamp").type == TIMESTAMP == pa.timestamp("us", tz="UTC")
    assert schema.field("kafka_time").type == TIMESTAMP
    assert schema.field("location").type == pa.struct(
        [("lat", pa.float64()), ("lon", pa.float64())]
    )
    assert schema.field("account_age_days").type == pa.int64()
    assert schema.field("cvv_provided").type == pa.bool_()
    assert schema.field("is_fraud").type == pa.int64()
    assert schema.field("kafka_offset").type == pa.int64()
    assert schema.field("date").type == pa.date32()
    assert table.metadata().partition_columns == ["date"]


def test_an_event_of_another_zone_is_in_utc(settings: Settings) -> None:
    (event,) = fraud_events(1)
    new_york = timezone(-timedelta(hours=5))
    late = msgspec.structs.replace(event, timestamp=datetime(2026, 3, 1, 20, 30, 1, 7, new_york))
    write(settings, learned(PROJECT, [late]))
    (row,) = rows(settings, EVENTS).to_dicts()
    assert row["timestamp"] == datetime(2026, 3, 2, 1, 30, 1, 7, UTC)


def test_events_of_many_days_are_in_the_partition_of_the_day_they_came(settings: Settings) -> None:
    events = [
        msgspec.structs.replace(event, timestamp=event.timestamp + timedelta(days=number))
        for number, event in enumerate(fraud_events(30))
    ]
    write(settings, learned(PROJECT, events))
    came = datetime.fromtimestamp(START, UTC).date()
    assert rows(settings, EVENTS)["date"].to_list() == 30 * [came]
    assert len(DeltaTable(f"{settings.lake_uri}/{EVENTS}").file_uris()) == 1


def test_a_row_tells_what_was_predicted_and_where_it_came_from(settings: Settings) -> None:
    events = fraud_events(300)
    whole = learned(PROJECT, events)
    write(settings, whole)
    frame = rows(settings, EVENTS)
    predictions = [row.prediction for row in whole.events]
    assert predictions[0] is None
    assert frame["prediction_probability"].to_list() == [
        one and one.probability for one in predictions
    ]
    assert frame["prediction_decision"].to_list() == [one and one.decision for one in predictions]
    assert frame["events_learned"].to_list() == list(range(300))
    assert frame["kafka_time"].to_list() == [
        datetime.fromtimestamp(START + i, UTC) for i in range(300)
    ]
    assert frame["model_lineage"].unique().to_list() == [7]
    assert frame["kafka_topic"].unique().to_list() == [EVENTS]


def test_an_error_is_beside_the_prediction_if_the_label_was_there(settings: Settings) -> None:
    events = fraud_events(100)
    events[50:] = [without_label(one) for one in events[50:]]
    write(settings, learned(PROJECT, events))
    errors = rows(settings, EVENTS)["prediction_error"].to_list()
    assert errors[:50] == rows(settings, OUTCOMES)["error"].to_list()
    assert errors[49] is not None
    assert errors[50:] == [None] * 50


def test_a_prediction_is_in_the_row_of_its_event_alone(settings: Settings) -> None:
    write(settings, learned(PROJECT, fraud_events(3)))
    assert not [name for name in rows(settings, OUTCOMES).columns if "prediction" in name]


def test_an_event_without_label_has_none_in_its_row(settings: Settings) -> None:
    write(settings, learned(PROJECT, [without_label(one) for one in fraud_events(3)]))
    assert rows(settings, EVENTS)["is_fraud"].to_list() == [None] * 3
    assert offsets(settings, OUTCOMES) == []


def test_an_outcome_has_its_label_error_and_delay(settings: Settings) -> None:
    whole = learned(PROJECT, fraud_events(100))
    write(settings, whole)
    found = rows(settings, OUTCOMES).to_dicts()
    for row, outcome in zip(found, whole.outcomes, strict=True):
        names = ("event_id", "status", "label", "error", "delay_seconds", "events_learned")
        assert [row[name] for name in names] == [getattr(outcome, name) for name in names]


@pytest.mark.parametrize("name", ["timestamp", "kafka_time", "kafka_offset", "account_age_days"])
def test_readers_that_skip_files_by_their_bounds_miss_nothing(
    settings: Settings, name: str
) -> None:
    whole = learned(PROJECT, fraud_events(30))
    for start in range(0, 30, 10):
        write(settings, part(whole, start, start + 10))
    table = DeltaTable(f"{settings.lake_uri}/{EVENTS}")
    wanted = table.to_pyarrow_table()[name]
    for value in wanted.unique():
        found = table.to_pyarrow_dataset().to_table(filter=ds.field(name) == value)
        assert len(found) == sum(one == value for one in wanted)


Step = tuple[Literal["write", "epoch", "crash", "crash after the commit"], int]

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "epoch", "crash", "crash after the commit"]),
        st.integers(1, 12),
    ),
    max_size=12,
)


@given(STEPS)
@tries(max_examples=30, deadline=None)
def test_however_it_crashes_every_offset_is_there_once(steps: list[Step]) -> None:
    with TemporaryDirectory() as folder:
        settings = lake_at(folder)
        play(settings, [*steps, ("write", 40), ("epoch", 0)])
        assert offsets(settings) == list(range(40))
        assert offsets(settings, OUTCOMES) == list(range(40))
        ids = [row.event.transaction_id for row in WHOLE.events]
        assert rows(settings, EVENTS)["transaction_id"].to_list() == ids


def play(settings: Settings, steps: list[Step]) -> None:
    """Poll, close epochs and crash as told; after a crash the last closed epoch is the start."""
    sink, closed, reached = partition(settings), 0, 0
    for step, size in steps:
        if step == "write":
            start, reached = reached, min(reached + size, 40)
            sink.write_batch([part(WHOLE, start, reached)])
        else:
            if step != "crash":
                sink.snapshot()
            if step == "epoch":
                closed = reached
            else:
                sink.close()
                sink, reached = partition(settings), closed
    sink.close()


def test_nothing_is_committed_before_the_epoch_closes(settings: Settings) -> None:
    sink = partition(settings)
    sink.write_batch([WHOLE])
    sink.close()
    assert offsets(settings) == []


def test_an_epoch_without_rows_commits_nothing(settings: Settings) -> None:
    write(settings, part(WHOLE, 0, 10))
    before = DeltaTable(f"{settings.lake_uri}/{EVENTS}").version()
    write(settings, part(WHOLE, 0, 10))
    write(settings, part(WHOLE, 0, 0))
    write(settings)
    assert DeltaTable(f"{settings.lake_uri}/{EVENTS}").version() == before


def test_an_epoch_of_many_rows_is_one_commit(settings: Settings) -> None:
    (event,) = fraud_events(1)
    many = [msgspec.structs.replace(event, transaction_id=str(i)) for i in range(21_000)]
    whole = learned(PROJECT, [without_label(one) for one in many])
    write(settings, *(part(whole, start, start + 1_000) for start in range(0, 21_000, 1_000)))
    assert DeltaTable(f"{settings.lake_uri}/{EVENTS}").version() == 1
    assert offsets(settings) == list(range(21_000))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"identity": "another-cluster/a-topic-id"}, id="another cluster"),
        pytest.param({"identity": "a-cluster/another-topic-id"}, id="a topic made anew"),
        pytest.param({"partition": 1}, id="another partition"),
    ],
)
def test_two_logs_do_not_shadow_each_other(settings: Settings, other: dict[str, Any]) -> None:
    events = fraud_events(20)
    write(settings, learned(PROJECT, events[:10]))
    write(settings, learned(PROJECT, events[10:], **other))
    ids = set(rows(settings, EVENTS)["transaction_id"])
    assert ids == {event.transaction_id for event in events}
    write(settings, learned(PROJECT, events[:10]), learned(PROJECT, events[10:], **other))
    assert sorted(offsets(settings)) == sorted([*range(10), *range(10)])


def test_two_shards_write_the_same_tables(settings: Settings) -> None:
    sinks = [partition(settings), partition(settings)]
    for epoch in range(3):
        for shard, sink in enumerate(sinks):
            events = fraud_events(5, seed=10 * epoch + shard)
            sink.write_batch([learned(PROJECT, events, first=5 * epoch, partition=shard)])
        for sink in sinks:
            sink.snapshot()
    frame = rows(settings, EVENTS)
    for shard in (0, 1):
        of_shard = frame.filter(pl.col("kafka_partition") == shard)
        assert of_shard["kafka_offset"].to_list() == list(range(15))


def test_a_second_writer_of_the_same_log_is_a_conflict(settings: Settings) -> None:
    ours = partition(settings)
    ours.write_batch([part(WHOLE, 0, 10)])
    ours.snapshot()
    write(settings, part(WHOLE, 10, 15))
    ours.write_batch([part(WHOLE, 10, 20)])
    with pytest.raises(ConflictError, match="another flow"):
        ours.snapshot()
    assert offsets(settings) == list(range(15))

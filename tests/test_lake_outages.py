"""While the lake is away the flow waits; what it cannot hold never reaches it."""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from deltalake import DeltaTable

from flows.errors import StoreError
from flows.settings import Settings
from tests.examples import fraud_events
from tests.flow_process import until
from tests.lake_rows import EVENTS, OUTCOMES, PROJECT, WHOLE, lake_at, offsets, partition, write
from tests.polls import learned, part


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return lake_at(tmp_path / "lake")


class Lake:
    """A lake that can be taken away: a file lies where its directory was."""

    def __init__(self, settings: Settings) -> None:
        self._place = Path(settings.lake_uri)
        self._aside = self._place.with_name("aside")

    def take_away(self) -> None:
        if self._place.exists():
            self._place.rename(self._aside)
        self._place.write_text("no directory")

    def bring_back(self) -> None:
        self._place.unlink()
        if self._aside.exists():
            self._aside.rename(self._place)


@pytest.mark.parametrize("begun", [False, True], ids=["from the start", "in between"])
def test_while_the_lake_is_away_the_flow_waits(
    settings: Settings, caplog: pytest.LogCaptureFixture, begun: bool
) -> None:
    lake, sink = Lake(settings), partition(settings)
    if begun:
        sink.write_batch([part(WHOLE, 0, 10)])
        sink.snapshot()
    lake.take_away()
    sink.write_batch([WHOLE])
    closing = threading.Thread(target=sink.snapshot)
    closing.start()
    until_logged(caplog, "trying again")
    assert closing.is_alive()
    lake.bring_back()
    closing.join()
    assert offsets(settings) == list(range(40))
    assert offsets(settings, OUTCOMES) == list(range(40))


def until_logged(caplog: pytest.LogCaptureFixture, text: str) -> None:
    until(lambda: any(text in record.message for record in caplog.records))


def test_a_stopped_flow_does_not_wait_for_the_lake(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    stop = threading.Event()
    sink = partition(settings, stop)
    Lake(settings).take_away()
    sink.write_batch([WHOLE])
    stop.set()
    with caplog.at_level(logging.CRITICAL), pytest.raises(StoreError, match="REALTIME_LAKE_URI"):
        sink.snapshot()


def test_a_lost_answer_does_not_write_rows_twice(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """The commit is made, but what follows it fails: the next try must notice."""
    write(settings, part(WHOLE, 0, 10))
    table = f"{settings.lake_uri}/{EVENTS}"
    DeltaTable(table).alter.set_table_properties({"delta.checkpointInterval": "1"})
    version = DeltaTable(table).version() + 1
    Path(f"{table}/_delta_log/{version:020}.checkpoint.parquet").mkdir()
    sink = partition(settings)
    sink.write_batch([WHOLE])
    sink.snapshot()
    assert "failed to commit" in caplog.text
    assert offsets(settings) == list(range(40))


@pytest.mark.parametrize(
    "time",
    [
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999999Z",
        "9999-12-30T00:00:00Z",
    ],
)
def test_an_event_of_any_time_can_be_written(settings: Settings, time: str) -> None:
    first, *others = fraud_events(4)
    odd = msgspec.structs.replace(first, timestamp=msgspec.convert(time, datetime))
    write(settings, learned(PROJECT, [odd, *others]))
    table = DeltaTable(f"{settings.lake_uri}/{EVENTS}").to_pyarrow_table()
    assert table["transaction_id"].to_pylist().count(first.transaction_id) == 1
    assert len(table) == 4


@pytest.mark.parametrize(
    "time",
    [
        -0.001,
        0.0,
        253_402_214_400.0,
    ],
)
def test_a_message_of_any_time_can_be_written(settings: Settings, time: float) -> None:
    """Producers choose it; librdkafka takes any number of milliseconds."""
    whole = learned(PROJECT, fraud_events(2))
    events = [msgspec.structs.replace(row, time=time) for row in whole.events]
    outcomes = [msgspec.structs.replace(row, time=time) for row in whole.outcomes]
    write(settings, msgspec.structs.replace(whole, events=events, outcomes=outcomes))
    table = DeltaTable(f"{settings.lake_uri}/{OUTCOMES}").to_pyarrow_table()
    assert table["kafka_offset"].to_pylist() == [0, 1]

"""Events become records; lines that are no events are named by number and reason."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import EventError
from flows.projects import fraud
from scripts import records
from scripts.records import EventReader, Read, lines, milliseconds, read_lines
from scripts.stop import Stop
from scripts.streams import Event, events

DRAWN = list(events("fraud", count=20))
READER = EventReader(fraud.PROJECT)


def write(path: Path, *values: bytes) -> str:
    path.write_bytes(b"".join(value + b"\n" for value in values))
    return str(path)


def encoded(event: Event, **changes: object) -> bytes:
    return msgspec.json.encode(event | changes)


def read_all(source: str, read: Callable[[bytes], Read] = READER.read) -> list[Read]:
    return list(read_lines(source, read, Stop(), lambda: None))


def test_record_has_the_entity_as_key_the_time_and_the_bytes_untouched() -> None:
    value = b" " + encoded(DRAWN[3], note="unknown field") + b" "
    record = READER.read(value).record
    assert record.key == DRAWN[3]["user_id"].encode()
    assert record.value == value
    assert record.time_ms == int(datetime.fromisoformat(DRAWN[3]["timestamp"]).timestamp() * 1000)


def test_time_before_1970_is_left_to_the_broker() -> None:
    assert milliseconds(datetime.fromisoformat("1969-12-31T23:59:59+00:00")) == 0


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "truncated"),
        (b"hello", "malformed"),
        (b"\xff\xfe", "malformed"),
        (b'{"user_id": "\xff"}', "utf-8"),
        (b"[]", "Expected `object`"),
        (b'{"extra": ' + b"[" * 100_000, "recursion"),
        (b"{}", "transaction_id"),
        (encoded(DRAWN[0], amount="12"), r"\$.amount"),
        (encoded(DRAWN[0], amount=-1), r">= 0.*\$.amount"),
        (encoded(DRAWN[0], location={"lat": 91, "lon": 0}), r"\$.location.lat"),
        (encoded(DRAWN[0], is_fraud=2), r"\$.is_fraud"),
        (encoded(DRAWN[0], timestamp="2026-01-01T00:00:00"), r"\$.timestamp"),
    ],
)
def test_what_is_no_event_is_refused_and_passes_raw(value: bytes, reason: str) -> None:
    with pytest.raises(EventError, match=f"(?i){reason}"):
        READER.read(value)
    read = READER.read_raw(value)
    assert read.event is None
    assert (read.record.key, read.record.value, read.record.time_ms) == (None, value, 0)


def test_raw_event_is_keyed_and_dated_like_any() -> None:
    value = encoded(DRAWN[0])
    assert READER.read_raw(value).record == READER.read(value).record


def test_file_gives_each_line(tmp_path: Path) -> None:
    values = [encoded(event) for event in DRAWN]
    source = write(tmp_path / "events.jsonl", *values)
    assert [read.record.value for read in read_all(source)] == values


def test_last_line_needs_no_newline(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(encoded(DRAWN[0]) + b"\n" + encoded(DRAWN[1]))
    assert len(read_all(str(path))) == 2


def test_fault_in_a_file_is_found_before_its_first_line_is_given(tmp_path: Path) -> None:
    source = write(tmp_path / "events.jsonl", encoded(DRAWN[0]), encoded(DRAWN[1]), b"{}")
    with pytest.raises(EventError, match=r"events.jsonl, line 3: .*transaction_id.*--raw"):
        read_lines(source, READER.read, Stop(), lambda: None)


@pytest.mark.parametrize("name", ["absent.jsonl", "."])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(EventError, match="cannot read"):
        read_all(str(tmp_path / name))


@given(st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b""))), st.booleans())
def test_lines_are_those_that_were_written(written: list[bytes], ended: bool) -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(write_end, "wb") as pipe:
        pipe.write(b"".join(line + b"\n" for line in written) + (b"" if ended else b"rest"))
    with os.fdopen(read_end, "rb") as file:
        found = list(lines(file.fileno(), Stop(), lambda: None))
    assert found == written + ([] if ended else [b"rest"])


def test_lines_longer_than_a_chunk_stay_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "CHUNK_BYTES", 7)
    values = [encoded(event) for event in DRAWN]
    source = write(tmp_path / "events.jsonl", *values)
    assert [read.record.value for read in read_all(source)] == values


def test_waiting_for_a_line_is_idle_and_ends_when_asked() -> None:
    stop = Stop()
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as file, os.fdopen(write_end, "wb") as pipe:
        pipe.write(b"whole\nhalf")
        pipe.flush()
        assert list(lines(file.fileno(), stop, stop.request)) == [b"whole"]

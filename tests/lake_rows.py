"""Writing to a lake as a flow does, and reading it back."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from flows.projects import fraud
from flows.settings import Settings
from flows.streaming.lake_sink import LakePartition, LakeSink
from flows.streaming.messages import Learned
from tests.examples import fraud_events
from tests.flow_process import rows
from tests.polls import learned

PROJECT = fraud.PROJECT
EVENTS = PROJECT.topic
OUTCOMES = f"{PROJECT.topic}_outcomes"


def lake_at(folder: Path | str) -> Settings:
    return Settings(_env_file=None, lake_uri=str(folder), shards=2)


def partition(settings: Settings, stop: threading.Event | None = None) -> LakePartition:
    return LakeSink(PROJECT, settings, stop or threading.Event()).build_part("lake", "0000", None)


def write(settings: Settings, *polls: Learned) -> None:
    """One epoch of one sink partition."""
    sink = partition(settings)
    sink.write_batch(list(polls))
    sink.snapshot()
    sink.close()


def offsets(settings: Settings, table: str = EVENTS) -> list[int]:
    found: list[int] = rows(settings, table)["kafka_offset"].to_list()
    return found


def as_utc(event: fraud.Transaction) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(event, builtin_types=[datetime])
    return {**values, "timestamp": event.timestamp.astimezone(UTC)}


WHOLE = learned(PROJECT, fraud_events(40))

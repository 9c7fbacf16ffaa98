"""A lake with many small files, and its upkeep."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from flows.projects import fraud
from flows.settings import Settings
from flows.streaming.lake_sink import LakePartition, LakeSink
from scripts.lake_upkeep import Lake, Upkeep, table_names
from tests.examples import fraud_events
from tests.polls import CLUSTER, learned, part

PROJECT = fraud.PROJECT
EVENTS, OUTCOMES = table_names(PROJECT)
LOG = f"{CLUSTER}/{EVENTS}/0"
HOUR = 3600.0
WHOLE = learned(PROJECT, fraud_events(60))


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

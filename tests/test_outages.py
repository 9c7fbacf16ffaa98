"""Servers that go away under load leave no trace in what the flow leaves."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from pathlib import Path

import pytest

from flows import projects
from scripts import outage_test
from scripts.crash.outages import NoLake

EXPECTED = {
    "kafka silent",
    "redis dead",
    "redis silent",
    "redis emptied",
    "mlflow dead",
    "mlflow silent",
    "lake away",
}


@pytest.mark.slow
def test_every_server_can_go_away_and_come_back() -> None:
    options = Namespace(seconds=2.0, only=None, rate=200.0, broker="embedded", seed=3)
    figures = asyncio.run(outage_test.run(projects.get("fraud"), options))
    assert {one["outage"] for one in figures["outages"]} == EXPECTED
    assert figures["rows"] > 0
    assert figures["clean"], figures


def test_a_lake_that_is_away_cannot_be_written_and_comes_back_whole(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    (lake / "row").write_text("kept")
    outage = NoLake(str(lake))
    asyncio.run(outage.begin())
    with pytest.raises(NotADirectoryError):
        (lake / "table").mkdir()
    asyncio.run(outage.end())
    assert (lake / "row").read_text() == "kept"

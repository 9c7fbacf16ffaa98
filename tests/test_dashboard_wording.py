from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dashboard import wording


@pytest.mark.parametrize(
    ("value", "text"), [(None, "—"), (0, "0"), (999, "999"), (31_200, "31\u202f200")]
)
def test_count(value: float | None, text: str) -> None:
    assert wording.count(value) == text


@pytest.mark.parametrize(("value", "text"), [(None, "—"), (0, "0"), (0.25, "0.2"), (300.4, "300")])
def test_rate(value: float | None, text: str) -> None:
    assert wording.rate(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "—"), (0.70604, "0.706"), (-0.5, "-0.500"), (535.2, "535")]
)
def test_score(value: float | None, text: str) -> None:
    assert wording.score(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0123, "+0.012"), (-0.0123, "\u22120.012"), (-0.0001, "±0.000")]
)
def test_change(value: float, text: str) -> None:
    assert wording.change(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.0 %"), (0.0002, "<0.1 %"), (0.3, "30.0 %"), (1.0, "100.0 %")]
)
def test_percent(value: float, text: str) -> None:
    assert wording.percent(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "—"), (-1, "0 s"), (59.9, "59 s"), (60, "1 min"), (7_300, "2 h"), (200_000, "2 d")],
)
def test_age(seconds: float | None, text: str) -> None:
    assert wording.age(seconds) == text


def test_since_gives_the_clock_time_and_how_long_ago_that_is() -> None:
    moment = datetime.now(UTC) - timedelta(minutes=5, seconds=10)
    assert wording.since(moment) == f"{moment:%H:%M:%S} UTC (5 min ago)"

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
    ("value", "unit", "text"),
    [
        (1240, "s", "20 min 40 s"),
        (1200, "s", "20 min"),
        (59.7, "s", "1 min"),
        (3.21, "s", "3.2 s"),
        (-75, "s", "\u22121 min 15 s"),
        (5400, "s", "1 h 30 min"),
        (7200, "s", "2 h"),
        (12.34, "units", "12.3 units"),
        (12_345.6, "units", "12\u202f346 units"),
        (0.0456, "", "0.046"),
        (3.0, "", "3"),
    ],
)
def test_quantity(value: float, unit: str, text: str) -> None:
    assert wording.quantity(value, unit) == text


@pytest.mark.parametrize(("text", "signed"), [("2 min", "+2 min"), ("-1", "\u22121")])
def test_signed(text: str, signed: str) -> None:
    assert wording.signed(text) == signed


@pytest.mark.parametrize(
    ("path", "words"),
    [("device_os", "device OS"), ("location.lat", "location latitude"), ("amount", "amount")],
)
def test_words(path: str, words: str) -> None:
    assert wording.words(path) == words


def test_day_gives_date_and_clock_time() -> None:
    assert wording.day(datetime(2026, 1, 2, 3, 4, tzinfo=UTC)) == "02 Jan 2026, 03:04 UTC"


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

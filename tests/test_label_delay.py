"""Delays of labels are read as written, and drawn from the distribution they name."""

from __future__ import annotations

import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import SettingsError
from scripts.label_delay import LabelDelay, parse_delay


def draw(text: str, count: int = 20_000) -> list[float]:
    delay = parse_delay(text)
    assert isinstance(delay, LabelDelay)
    rng = random.Random(5)
    return [delay.seconds(rng) for _ in range(count)]


@given(st.integers(0, 10**9))
def test_plain_number_is_a_number_of_events(count: int) -> None:
    assert parse_delay(str(count)) == count


def test_seconds_are_always_the_same() -> None:
    assert set(draw("3600s", 10)) == {3600.0}
    assert set(draw("0s", 10)) == {0.0}


def test_exponential_has_its_mean_and_its_spread() -> None:
    found = draw("exp:3600")
    assert min(found) >= 0
    assert statistics.mean(found) == pytest.approx(3600, rel=4 / math.sqrt(20_000))
    assert statistics.pstdev(found) == pytest.approx(3600, rel=0.06)


def test_lognormal_has_its_median_and_the_spread_of_its_log() -> None:
    found = draw("lognormal:3600:0.5")
    assert statistics.median(found) == pytest.approx(3600, rel=0.03)
    assert statistics.pstdev(map(math.log, found)) == pytest.approx(0.5, rel=0.03)


def test_uniform_fills_its_range() -> None:
    found = draw("uniform:60:86400")
    assert 60 <= min(found) < 160 and 86_300 < max(found) <= 86_400
    assert statistics.mean(found) == pytest.approx((60 + 86_400) / 2, rel=0.02)


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "1.5", "-1", "-1s", "infs", "nans", "exp", "exp:0", "exp:-5", "exp:a"),
        *("exp:1:2", "lognormal:10", "lognormal:10:-1", "uniform:5", "uniform:9:3", "poisson:3"),
    ],
)
def test_what_is_no_delay_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(SettingsError, match=r"label delay.*exp:MEAN"):
        parse_delay(text)

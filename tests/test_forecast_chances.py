"""How wide intervals are, and how promotions go on."""

from __future__ import annotations

import random
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.learning.models.campaign_odds import CampaignOdds
from flows.learning.models.interval_levels import IntervalLevels, bounds

DECILES = IntervalLevels().at(1)


def share_below(x: float, scale: float, odds: float, distance: float) -> float:
    def logistic(at: float) -> float:
        return 1 / (1 + exp(-max(-500.0, min((x - at) / scale, 500.0))))

    return (1 - odds) * logistic(0) + odds * logistic(distance)


@given(
    scale=st.floats(0.02, 1),
    odds=st.floats(0, 1),
    distance=st.floats(-1, 2).filter(lambda distance: abs(distance) > 1e-3),
)
def test_bounds_are_quantiles_of_both_cases(scale: float, odds: float, distance: float) -> None:
    found = bounds(DECILES, scale, odds, distance)
    assert sorted(found) == list(found)
    for x, share in zip(found, (0.1, 0.5, 0.9), strict=True):
        assert share_below(x, scale, odds, distance) == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize(("odds", "middle"), [(0.0, 0.0), (1.0, 3.0), (0.5, 1.5)])
def test_the_middle_lies_where_the_case_is(odds: float, middle: float) -> None:
    assert bounds(DECILES, 0.1, odds, 3.0)[1] == pytest.approx(middle, abs=1e-6)


@pytest.mark.parametrize("factor", [0.3, 1.0, 4.0])
def test_levels_move_until_intervals_hold(factor: float) -> None:
    """Outcomes of another spread than the model believes, and off its middle."""
    rng, levels = random.Random(2), IntervalLevels()
    below = inside = 0
    for number in range(20_000):
        lower, value, upper = levels.at(3)
        outcome = rng.gauss(0.2, factor)
        if number >= 5_000:
            below += outcome < value
            inside += lower <= outcome <= upper
        levels.learn(3, outcome, lower, value, upper)
    assert inside / 15_000 == pytest.approx(0.8, abs=0.01)
    assert below / 15_000 == pytest.approx(0.5, abs=0.01)


def test_levels_stay_in_order_whatever_comes() -> None:
    rng, levels = random.Random(3), IntervalLevels()
    for _ in range(3_000):
        levels.learn(1, rng.choice((-1e9, 1e9)), *sorted(rng.gauss(0, 1) for _ in range(3)))
        lower, value, upper = levels.at(1)
        assert -7 <= lower <= value <= upper <= 7


def campaigns(odds: CampaignOdds, weeks: int) -> None:
    """Every fourth Thursday a campaign of 7 days."""
    past: list[tuple[int, int]] = []
    age = 0
    for day in range(7 * weeks):
        if day % 28 == 3:
            age = 1
        elif age:
            age = 0 if age == 7 else age + 1
        for before, key in past:
            odds.learn(key, day - before, age > 0)
        past = [*past, (day, odds.key(age, day % 7))][-7:]


def test_odds_follow_how_campaigns_went() -> None:
    odds = CampaignOdds()
    campaigns(odds, 400)
    first_day = odds.ahead(odds.key(1, 3))
    assert all(share > 0.7 for share in first_day[:6]) and first_day[6] < 0.2
    fifth_day = odds.ahead(odds.key(5, 0))
    assert fifth_day[1] > 0.7 and fifth_day[2] < 0.2
    without = odds.ahead(odds.key(0, 2))
    assert without[0] == pytest.approx(0.33, abs=0.1)


def test_odds_before_anything_was_seen_say_that_campaigns_go_on() -> None:
    odds = CampaignOdds()
    running, none = odds.ahead(odds.key(3, 2)), odds.ahead(odds.key(0, 2))
    assert sorted(running, reverse=True) == running
    assert min(running) > max(none) > 0


def test_odds_are_shares_whatever_is_learnt() -> None:
    odds = CampaignOdds()
    rng = random.Random(5)
    for _ in range(5_000):
        odds.learn(odds.key(rng.randint(0, 99), rng.randint(0, 6)), rng.randint(1, 7), True)
    assert all(0 <= share <= 1 for age in range(20) for share in odds.ahead(odds.key(age, 0)))

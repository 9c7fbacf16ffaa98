"""The living trips: drivers, roads and skies have memory."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from datetime import UTC, datetime
from itertools import pairwise
from statistics import mean, median

import pytest

from flows.projects.houston import HOUSTON, crosses_the_channel
from scripts.streams import Drift, Event, Scenario, Truth, drawn, events
from scripts.streams.eta_city import (
    HUBS,
    Sky,
    crowd,
    demand,
    fullness,
    tide,
)

LABEL = "simulated_actual_travel_time_seconds"


@pytest.fixture(scope="module")
def living() -> list[tuple[Event, Truth]]:
    return list(drawn("eta", profile="living", count=15_000, seed=0))


def assert_share(hits: int, trials: int, share: float) -> None:
    """Hits lie within four standard deviations of a binomial with the expected share."""
    assert abs(hits - trials * share) <= 4 * math.sqrt(trials * share * (1 - share))


def time_of(event: Event) -> datetime:
    return datetime.fromisoformat(event["timestamp"])


def test_living_drivers_stay_who_they_are(living: list[tuple[Event, Truth]]) -> None:
    seen = defaultdict(set)
    for event, _ in living:
        seen[event["driver_id"]].add(
            (event["vehicle_id"], event["vehicle_type"], event["driver_rating"])
        )
    assert len(seen) == 600
    assert all(len(one) == 1 for one in seen.values())


def test_living_drivers_are_seldom_at_two_places_at_once(
    living: list[tuple[Event, Truth]],
) -> None:
    free: dict[str, float] = {}
    clashes = 0
    for event, _ in living:
        begins = time_of(event).timestamp()
        clashes += free.get(event["driver_id"], 0.0) > begins
        free[event["driver_id"]] = begins + event[LABEL]
    assert clashes < 0.08 * len(living)


def test_a_better_driver_is_faster_for_good(living: list[tuple[Event, Truth]]) -> None:
    halves: list[dict[str, list[float]]] = [defaultdict(list), defaultdict(list)]
    for number, (event, truth) in enumerate(living):
        factor = event["debug_driver_factor"]
        halves[number >= len(living) / 2][event["driver_id"]].append(factor)
        assert truth["median"] > 0
    both = [name for name in halves[0] if name in halves[1]]
    far = [abs(mean(halves[0][name]) - mean(halves[1][name])) for name in both]
    assert mean(far) < 0.02
    assert max(mean(halves[0][name]) for name in both) > 1.1


def test_half_of_the_living_labels_lie_below_the_median(
    living: list[tuple[Event, Truth]],
) -> None:
    below = sum(event[LABEL] < truth["median"] for event, truth in living)
    assert_share(below, len(living), 0.5)


def test_rush_hours_are_local_and_of_workdays() -> None:
    def slow(day: int, hour: int) -> float:
        start = datetime(2026, 3, day, hour, tzinfo=HOUSTON)
        chosen = events("eta", profile="living", start=start, count=200)
        return mean(float(event["debug_traffic_factor"]) for event in chosen)

    tuesday, sunday = 10, 15
    assert slow(tuesday, 17) > 1.15 * slow(tuesday, 2)
    assert slow(tuesday, 17) > 1.1 * slow(sunday, 17)


def test_weather_lasts_and_slows_everybody_down() -> None:
    some = list(events("eta", profile="living", count=6000, seed=4))
    changes = sum(a["weather"] != b["weather"] for a, b in pairwise(some))
    assert changes < 0.02 * len(some)
    for event in some:
        assert (event["debug_weather_factor"] > 1.02) >= (
            event["weather"] not in ("Clear", "Clouds")
        )


def test_a_sky_that_is_asked_twice_within_an_hour_stays() -> None:
    sky, time = Sky(random.Random(1)), datetime(2026, 1, 5, 12, 10, tzinfo=UTC)
    sky.pass_time(time)
    before = sky.weather, sky.mood
    sky.pass_time(time.replace(minute=50))
    sky.pass_time(time.replace(hour=3))
    assert (sky.weather, sky.mood) == before


def test_summer_days_are_warmer_than_winter_nights() -> None:
    sky = Sky(random.Random(1))
    summer, winter = datetime(2026, 7, 20, 15), datetime(2026, 1, 15, 3)  # noqa: DTZ001
    assert sky.temperature(summer) - sky.temperature(winter) > 20


def test_a_severe_drift_makes_another_city() -> None:
    def slow(drifts: list[Drift], *, crossing: bool) -> float:
        return median(
            float(event["debug_traffic_factor"])
            for event in events("eta", profile="living", count=2000, drifts=drifts)
            if crosses_the_channel(event["origin"]["lon"], event["destination"]["lon"]) == crossing
        )

    severe = [Drift("sudden", "severe", 0)]
    assert slow(severe, crossing=False) > 1.3 * slow([], crossing=False)
    assert slow(severe, crossing=True) > 1.9 * slow([], crossing=True)


@pytest.mark.parametrize("name", ["accident", "closure", "storm"])
def test_a_scenario_slows_trips_down_while_it_lasts(name: str) -> None:
    usual = [event for event, _ in drawn("eta", profile="living", count=900)]
    played = list(drawn("eta", profile="living", count=900, scenarios=[Scenario(name, 300, 300)]))
    assert [event for event, _ in played[:300]] == usual[:300]
    during = [truth["median"] for _, truth in played[300:600]]
    before = [truth["median"] for _, truth in drawn("eta", profile="living", count=600)][300:]
    assert mean(during) > 1.05 * mean(before)


def test_a_storm_is_in_the_sky() -> None:
    scenarios = [Scenario("storm", 0, 200)]
    for event in events("eta", profile="living", count=200, scenarios=scenarios):
        assert event["weather"] == "Thunderstorm"


def test_anomalies_are_told_in_the_truth_and_take_far_too_long() -> None:
    odd = list(drawn("eta", profile="living", count=2000, anomaly_rate=0.1))
    chosen = [event[LABEL] / truth["median"] for event, truth in odd if truth["anomaly"]]
    assert_share(len(chosen), len(odd), 0.1)
    assert min(chosen) > 2


def test_crowds_are_where_the_hubs_are() -> None:
    downtown, nowhere = HUBS[0], {"lat": 29.51, "lon": -95.79}
    assert crowd({"lat": downtown.lat, "lon": downtown.lon}) > 1
    assert crowd(nowhere) < 0.05


def test_demand_is_one_on_average() -> None:
    assert mean(demand(minute / 60) for minute in range(1440)) == pytest.approx(1.0, abs=0.01)


def test_holidays_have_no_rush_hours() -> None:
    rush, holiday = datetime(2026, 7, 2, 17), datetime(2026, 12, 25, 17)  # noqa: DTZ001
    assert fullness(rush, 0.0) > 2 * fullness(holiday, 0.0)
    assert tide(rush) < 0 == tide(holiday)
    assert fullness(rush, 1.0) < fullness(rush.replace(hour=14, minute=45), 1.0)

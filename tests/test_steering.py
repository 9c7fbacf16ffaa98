"""A producer does what it is told, refuses what it cannot do, and ends what has its time."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from flows.stores import production
from flows.stores.production import Command
from scripts.pace import Pace
from scripts.steering import Steering
from scripts.streams import Controls, Drift, drift
from tests.test_pace import SimulatedTime, take


class Ride:
    """A steering with a clock that only moves when told."""

    def __init__(self, generated: bool = True) -> None:
        self.time = SimulatedTime()
        self.pace = Pace(10, self.time.sleep, self.time.clock)
        self.controls = Controls({"attack": "Many at once.", "storm": "It rains."})
        controls = self.controls if generated else None
        self.steering = Steering(self.pace, controls, self.time.clock)

    def tell(self, **fields: Any) -> None:
        self.steering.obey(Command(**fields))

    def take_in(self, seconds: float) -> int:
        """Turns that are due within so many seconds."""
        end, turns = self.time.now + seconds, 0
        while self.time.now < end:
            turns += self.pace.due()
        return turns


def test_kinds_and_severities_of_commands_are_those_of_streams() -> None:
    assert get_args(production.Kind) == drift.KINDS
    assert get_args(production.Severity) == tuple(drift.SEVERITIES)
    assert Command().width == drift.WIDTH


def test_rate_changes_from_now_on() -> None:
    ride = Ride()
    assert ride.take_in(10) == pytest.approx(100, abs=2)
    ride.tell(rate=50)
    assert ride.take_in(10) == pytest.approx(500, abs=2)


def test_pause_sends_nothing_and_is_not_made_up_for() -> None:
    ride = Ride()
    ride.tell(state="paused")
    assert ride.take_in(100) == 0
    ride.tell(state="running")
    assert ride.take_in(10) == pytest.approx(100, abs=2)


def test_burst_comes_at_once_even_while_paused() -> None:
    ride = Ride()
    ride.tell(state="paused", burst=500)
    before = ride.time.now
    take(ride.pace, 500)
    assert ride.time.now == before
    assert not ride.pace.due()


def test_factor_holds_for_its_seconds() -> None:
    ride = Ride()
    ride.tell(factor=5, seconds=10)
    assert ride.pace.rate == 50
    assert ride.take_in(10) == pytest.approx(500, abs=3)
    assert ride.take_in(10) == pytest.approx(100, abs=3)
    assert ride.pace.rate == 10


def test_scenario_ends_when_its_time_has_passed() -> None:
    ride = Ride()
    ride.tell(scenario="attack", seconds=60, intensity=0.5)
    ride.time.now += 59
    ride.steering.tick()
    assert ride.controls.running == {"attack": 0.5}
    ride.time.now += 2
    ride.steering.tick()
    assert ride.controls.running == {}


def test_scenario_without_seconds_holds_until_it_is_ended() -> None:
    ride = Ride()
    ride.tell(scenario="attack", seconds=60)
    ride.tell(scenario="attack")
    ride.time.now += 10_000
    ride.steering.tick()
    assert ride.controls.running == {"attack": 1.0}
    ride.tell(scenario="attack", intensity=0.0)
    assert ride.controls.running == {}


def test_drift_begins_with_the_next_event() -> None:
    ride = Ride()
    ride.controls.advance()
    ride.tell(drift="gradual", severity="mild", width=30)
    assert ride.controls.drift == Drift("gradual", "mild", 1, 30)
    assert ride.steering.stream["drift"] == {"kind": "gradual", "severity": "mild", "at": 1}


def test_share_of_anomalies_changes() -> None:
    ride = Ride()
    ride.tell(anomaly_rate=0.25)
    assert ride.controls.anomaly_rate == ride.steering.stream["anomaly_rate"] == 0.25


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"scenario": "fog"}, "no scenario 'fog'; known: attack, storm"),
        ({"factor": 3.0}, "factor without seconds"),
    ],
)
def test_impossible_command_is_refused_whole(fields: dict[str, Any], reason: str) -> None:
    ride = Ride()
    ride.tell(rate=77, **fields)
    assert reason in ride.steering.refused
    assert ride.pace.rate == 10


@pytest.mark.parametrize(
    "fields", [{"scenario": "attack"}, {"drift": "sudden"}, {"anomaly_rate": 0.1}]
)
def test_events_of_a_file_can_only_be_paced(fields: dict[str, Any]) -> None:
    ride = Ride(generated=False)
    ride.tell(**fields)
    assert "from a file" in ride.steering.refused
    ride.tell(rate=20)
    assert ride.pace.rate == 20
    assert ride.steering.stream == {
        "running": {},
        "scenarios": {},
        "drift": None,
        "anomaly_rate": 0.0,
    }

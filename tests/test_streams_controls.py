"""A stream obeys its controls, and tells each change at the event it holds from."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from flows.errors import SettingsError
from scripts import streams
from scripts.streams import Clock, Controls, Drift, Event, Scenario, Stream

SCENARIOS = {"storm": "It rains.", "sale": "Prices fall."}


@dataclass(frozen=True)
class NoOptions:
    """A stream without options."""


def generate(
    rng: random.Random, clock: Clock, _options: NoOptions, controls: Controls
) -> Iterator[Event]:
    """Events that tell what the controls say."""
    while True:
        yield {
            "time": clock(1.0).isoformat(),
            "shift": controls.shift(rng),
            "storm": controls.scenario("storm"),
            "anomaly_rate": controls.anomaly_rate,
            "_truth": {"number": controls.number},
        }


@pytest.fixture(autouse=True)
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    """A project `echo` whose stream tells what it was told."""
    stream = Stream(NoOptions, generate, rate=1.0, scenarios=SCENARIOS)
    found = streams.profiles

    def profiles(slug: str) -> dict[str, Stream]:
        return {"living": stream} if slug == "echo" else found(slug)

    monkeypatch.setattr(streams, "profiles", profiles)


def changes(controls: Controls) -> list[tuple[int, str, object]]:
    return [(change.event_number, change.what, change.details) for change in _take(controls)]


def _take(controls: Controls) -> list[streams.Change]:
    return list(controls.take_changes())


def run(controls: Controls, count: int) -> list[Event]:
    return list(streams.events("echo", profile="living", controls=controls, count=count))


def test_truth_is_taken_off_the_event_and_given_beside_it() -> None:
    found = list(streams.drawn("echo", profile="living", count=3))
    assert [truth for _, truth in found] == [{"number": number} for number in range(3)]
    assert all("_truth" not in event for event, _ in found)


def test_drifts_and_scenarios_hold_at_the_events_they_are_planted_at() -> None:
    found = list(
        streams.events(
            "echo",
            profile="living",
            count=6,
            drifts=[Drift("sudden", "mild", 2), Drift("sudden", "severe", 4)],
            scenarios=[Scenario("storm", 1, 3, 0.5)],
            anomaly_rate=0.25,
        )
    )
    assert [event["shift"] for event in found] == [0, 0, 0.3, 0.3, 1, 1]
    assert [event["storm"] for event in found] == [0, 0.5, 0.5, 0.5, 0, 0]
    assert {event["anomaly_rate"] for event in found} == {0.25}


def test_drift_starts_from_what_the_one_before_has_reached() -> None:
    back = [Drift("sudden", "severe", 0), Drift("incremental", "none", 2, 2)]
    found = streams.events("echo", profile="living", count=6, drifts=back)
    assert [event["shift"] for event in found] == [1, 1, 1, 0.5, 0, 0]


def test_command_holds_from_the_event_that_is_drawn_next() -> None:
    controls = Controls(SCENARIOS)
    drawn = streams.events("echo", profile="living", controls=controls)
    first = next(drawn)
    controls.begin(Drift("sudden", "moderate", at=77))
    controls.set_scenario("storm", 0.5)
    second = next(drawn)
    controls.set_scenario("storm", 0.0)
    third = next(drawn)
    assert [event["shift"] for event in (first, second, third)] == [0, 0.6, 0.6]
    assert [event["storm"] for event in (first, second, third)] == [0, 0.5, 0]


def test_each_change_is_told_once_with_the_event_it_holds_from() -> None:
    controls = Controls(
        SCENARIOS, drifts=[Drift("sudden", "mild", 2)], planned=[Scenario("storm", 1, 2)]
    )
    run(controls, 2)
    assert changes(controls) == [(1, "scenario", {"scenario": "storm", "intensity": 1.0})]
    run(controls, 2)
    drift = {"kind": "sudden", "severity": "mild", "at": 2, "width": 2_000}
    assert changes(controls) == [
        (2, "drift", drift),
        (3, "scenario", {"scenario": "storm", "intensity": 0.0}),
    ]
    assert changes(controls) == []


def test_repeating_what_holds_changes_nothing() -> None:
    controls = Controls(SCENARIOS, anomaly_rate=0.1)
    controls.make_anomalous(0.1)
    controls.set_scenario("storm")
    controls.set_scenario("storm")
    controls.set_scenario("sale", 0.0)
    run(controls, 1)
    assert [what for _, what, _ in changes(controls)] == ["anomalies", "scenario"]
    assert controls.running == {"storm": 1.0}


def test_recurring_drift_is_told_at_every_turn() -> None:
    controls = Controls(drifts=[Drift("recurring", "severe", 1, 3)])
    run(controls, 9)
    assert [number for number, *_ in changes(controls)] == [1, 4, 7]


def test_drift_that_began_last_is_told() -> None:
    controls = Controls(drifts=[Drift(at=2), Drift("gradual", at=4)])
    assert controls.drift is None
    run(controls, 3)
    assert controls.drift == Drift(at=2)


@pytest.mark.parametrize("intensity", [-0.1, 1.5])
def test_impossible_intensity_is_refused(intensity: float) -> None:
    with pytest.raises(SettingsError, match=f"intensity={intensity}"):
        Controls(SCENARIOS).set_scenario("storm", intensity)
    with pytest.raises(SettingsError, match=f"intensity={intensity}"):
        Scenario("storm", intensity=intensity)


def test_unknown_scenario_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"no scenario 'fog'; known: storm, sale"):
        streams.events("echo", profile="living", scenarios=[Scenario("fog")])


def test_impossible_anomaly_rate_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"anomaly_rate=2"):
        streams.events("echo", profile="living", anomaly_rate=2)


def test_living_is_the_default_profile_where_there_is_one() -> None:
    assert streams.default_profile("echo") == "living"

"""Streams are found by project and profile, and are repeatable whatever they draw."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.errors import ProjectError, SettingsError
from flows.projects import PROJECTS
from scripts.streams import Drift, Event, Scenario, events, get, known, wall_clock
from scripts.streams.drift import KINDS, Kind

EVERY = [(slug, profile) for slug, profiles in known().items() for profile in profiles]
REFERENCES = [(slug, profile) for slug, profile in EVERY if profile == "reference"]
every_stream = pytest.mark.parametrize(("slug", "profile"), EVERY)
every_reference = pytest.mark.parametrize(("slug", "profile"), REFERENCES)


def as_bytes(drawn: list[Event]) -> bytes:
    return msgspec.json.encode(drawn)


@every_stream
def test_events_are_of_their_project_and_labelled(slug: str, profile: str) -> None:
    project = PROJECTS[slug]
    for event in events(slug, profile=profile, count=500):
        decoded = msgspec.json.decode(msgspec.json.encode(event), type=project.event)
        for name in project.unknown:
            label = getattr(decoded, name)
            assert project.task.check_label(label) == label


@every_stream
def test_same_seed_gives_the_same_bytes(slug: str, profile: str) -> None:
    first, second = (
        as_bytes(list(events(slug, profile=profile, seed=7, count=300))) for _ in range(2)
    )
    assert first == second


@every_stream
def test_same_seed_gives_the_same_bytes_in_another_process(slug: str, profile: str) -> None:
    program = (
        "import json, sys; from scripts.streams import events;"
        f"json.dump(list(events({slug!r}, profile={profile!r}, seed=7, count=50)), sys.stdout)"
    )
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert json.loads(there.stdout) == list(events(slug, profile=profile, seed=7, count=50))


@every_stream
@pytest.mark.parametrize("seed", [8, -7], ids=["other", "negative"])
def test_another_seed_gives_other_events(slug: str, profile: str, seed: int) -> None:
    event_id = PROJECTS[slug].event_id
    first, second = (
        {event[event_id] for event in events(slug, profile=profile, seed=number, count=50)}
        for number in (7, seed)
    )
    assert first.isdisjoint(second)


@every_stream
def test_fewer_events_are_the_beginning_of_more(slug: str, profile: str) -> None:
    endless = events(slug, profile=profile)
    assert list(islice(endless, 20)) == list(events(slug, profile=profile, count=30))[:20]


@every_stream
def test_time_starts_where_told_and_never_goes_back(slug: str, profile: str) -> None:
    start = datetime(2025, 3, 30, 0, 59, tzinfo=UTC)
    field = PROJECTS[slug].time
    drawn = list(events(slug, profile=profile, start=start, count=200))
    times = [datetime.fromisoformat(event[field]) for event in drawn]
    assert times[0] == start
    assert times == sorted(times)
    assert all(event[field].endswith("+00:00") for event in drawn)
    assert all(len(event[field]) == len("2025-03-30T00:59:00.000000+00:00") for event in drawn)


@every_reference
def test_rate_is_that_of_the_events(slug: str, profile: str) -> None:
    field = PROJECTS[slug].time
    *_, last = events(slug, profile=profile, count=20_000)
    stream = get(slug, profile)
    seconds = (datetime.fromisoformat(last[field]) - stream.start).total_seconds() / stream.speed
    assert 20_000 / seconds == pytest.approx(stream.rate, rel=0.03)


@every_stream
def test_what_is_planted_later_changes_nothing_before(slug: str, profile: str) -> None:
    plans: dict[str, Any] = {
        "drifts": [Drift(kind, at=200, width=50) for kind in KINDS],
        "scenarios": [Scenario(name, 200, 50) for name in get(slug, profile).scenarios],
    }
    planned = list(events(slug, profile=profile, seed=3, count=200, **plans))
    assert planned == list(events(slug, profile=profile, seed=3, count=200))


@every_stream
@given(
    seed=st.integers(0, 10**6),
    kind=st.sampled_from(KINDS),
    at=st.integers(0, 60),
    anomaly_rate=st.sampled_from([0.0, 0.5, 1.0]),
)
@settings(max_examples=15, deadline=None)
def test_events_stay_valid_whatever_is_planted(
    slug: str, profile: str, seed: int, kind: Kind, at: int, anomaly_rate: float
) -> None:
    project, stream = PROJECTS[slug], get(slug, profile)
    drawn = events(
        slug,
        profile=profile,
        seed=seed,
        count=150,
        drifts=[Drift(kind, "severe", at, 30)],
        scenarios=[Scenario(name, at, 90) for name in stream.scenarios],
        anomaly_rate=anomaly_rate,
    )
    for event in drawn:
        assert not [name for name in event if name.startswith("_")]
        msgspec.json.decode(msgspec.json.encode(event), type=project.event)


@every_stream
def test_scenarios_have_a_line_of_help(slug: str, profile: str) -> None:
    for name, text in get(slug, profile).scenarios.items():
        assert name.isidentifier()
        assert len(text) > 10


def test_start_in_another_zone_is_told_in_utc() -> None:
    start = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert next(events("fraud", start=start))["timestamp"] == "2026-01-01T00:00:00.000000+00:00"


def test_wall_clock_dates_events_when_they_are_drawn() -> None:
    before = datetime.now(UTC)
    event = next(events("fraud", clock=wall_clock))
    assert before <= datetime.fromisoformat(event["timestamp"]) <= datetime.now(UTC)


def test_clock_changes_nothing_but_times() -> None:
    live = list(events("fraud", clock=wall_clock, count=50))
    dated = list(events("fraud", count=50))
    for event in live + dated:
        del event["timestamp"]
    assert live == dated


def test_start_without_zone_is_refused() -> None:
    with pytest.raises(SettingsError, match="no time zone"):
        events("fraud", start=datetime(2026, 1, 1))  # noqa: DTZ001 - the fault under test


def test_unknown_project_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ProjectError, match=r"'weather'.*fraud"):
        events("weather")


def test_unknown_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ProjectError, match=r"'wild'.*reference"):
        events("fraud", profile="wild")


def test_unknown_option_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"no option speed.*fraud_probability"):
        events("fraud", speed=3)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_impossible_probability_is_refused_by_name_and_value(value: float) -> None:
    with pytest.raises(SettingsError, match=f"fraud_probability={value}"):
        events("fraud", fraud_probability=value)


@pytest.mark.parametrize(
    ("name", "value"), [("merchant_id_limit", 0), ("account_age_days_limit", -1)]
)
def test_impossible_limit_is_refused_by_name_and_value(name: str, value: int) -> None:
    options: dict[str, Any] = {name: value}
    with pytest.raises(SettingsError, match=f"{name}={value}"):
        events("fraud", **options)

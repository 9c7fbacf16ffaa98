"""The project of arrival times: its event, its inputs, and how good its model is."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from datetime import UTC, date, datetime
from statistics import mean
from typing import Any

import duckdb
import msgspec
import pytest

from flows.learning.learner import Learner
from flows.projects import eta
from flows.projects.eta import PROJECT, Trip
from flows.projects.houston import HOUSTON, bearing, distance_km, is_holiday, kind_of_day, quarter
from scripts.streams import Drift, drawn, events

EVENTS = 8000
LABEL = "simulated_actual_travel_time_seconds"


@dataclass
class Run:
    """Test-then-train over the reference stream, beside the challenger."""

    model: Any
    values: dict[str, float]
    baseline: dict[str, float]
    naive: float


def trips(count: int, seed: int = 0, profile: str = "reference") -> list[Trip]:
    drawn = events("eta", profile=profile, seed=seed, count=count)
    return [msgspec.convert(each, Trip) for each in drawn]


@pytest.fixture(scope="module")
def run() -> Run:
    stream, task = trips(EVENTS), PROJECT.task
    models = [PROJECT.model(), *(build() for build in PROJECT.challengers.values())]
    metrics = [task.metrics() for _ in models]
    for event in stream:
        x, label = PROJECT.features(event), getattr(event, LABEL)
        for model, values in zip(models, metrics, strict=True):
            prediction = task.predict(model, x)
            if prediction is not None:
                values.update(label, prediction, event.timestamp.timestamp())
            task.learn(model, x, label)
    naive = mean(
        abs(getattr(one, LABEL) - one.initial_estimated_travel_time_seconds) for one in stream
    )
    return Run(models[0], metrics[0].values(), metrics[1].values(), naive)


def test_is_far_better_than_the_first_guess(run: Run) -> None:
    assert run.values["MAE"] < 0.5 * run.naive
    assert run.values["MAE"] < 0.97 * run.baseline["MAE"]


def test_is_better_than_its_challenger(run: Run) -> None:
    assert run.values["MAE"] < run.baseline["MAE"] < 0.6 * run.naive


def test_intervals_hold_four_of_five(run: Run) -> None:
    assert run.values["Coverage"] == pytest.approx(0.8, abs=0.03)


def test_state_is_small(run: Run) -> None:
    assert len(pickle.dumps(run.model)) < 700_000


def test_finds_its_way_after_the_city_has_changed() -> None:
    change, learner = Drift("sudden", "severe", at=5000), Learner.fresh(PROJECT)
    off: list[tuple[float, float]] = []
    for each, truth in drawn("eta", profile="living", seed=1, count=9000, drifts=[change]):
        event = msgspec.convert(each, Trip)
        prediction, _ = learner.observe(event, event.timestamp.timestamp())
        label = float(each[LABEL])
        off.append((abs(label - prediction.value if prediction else 0.0), label - truth["median"]))
    alarms = [one for one in learner.state.alarms if one["watched"] == "error"]
    assert 5000 < alarms[0]["events_learned"] < 5500
    best = mean(abs(least) for _, least in off[7000:])
    assert mean(error for error, _ in off[7000:]) < 1.4 * best


def test_reasons_are_in_seconds_and_add_up(run: Run) -> None:
    x = PROJECT.features(trips(1, seed=5)[0])
    reasons = run.model.explain_one(x)
    plain = run.model.regressor
    assert plain.base_value + sum(reasons.values()) == pytest.approx(plain.predict_one(x))
    far = run.model.explain_one({**x, "distance_km": 80.0})
    assert max(far, key=far.__getitem__) == "distance_km"
    assert far["distance_km"] > 1000


def test_an_untaught_model_does_not_answer() -> None:
    assert PROJECT.task.predict(PROJECT.model(), PROJECT.features(trips(1)[0])) is None


def test_description_tells_errors_by_hour_and_by_quarter(run: Run) -> None:
    shown = run.model.describe()
    assert len(shown["error_by_input"]["hour"]) == 24
    assert {row["value"] for row in shown["error_by_input"]["weather"]} == set(eta.WEATHERS)
    assert len(shown["error_by_input"]["origin_quarter"]) > 20
    msgspec.json.encode(shown)


def test_inputs_hold_neither_label_nor_what_nobody_knows() -> None:
    event = trips(1)[0]
    told = dict.fromkeys((LABEL, *PROJECT.forbidden_inputs))
    other = msgspec.structs.replace(event, **told, trip_id="x", hour_of_day=3, day_of_week=6)
    assert PROJECT.features(other) == PROJECT.features(event)
    assert not set(PROJECT.features(event)) & (PROJECT.forbidden_inputs | {LABEL})


@pytest.mark.parametrize(
    ("time", "hour", "weekday", "day"),
    [
        (datetime(2026, 1, 5, 5, 30, tzinfo=UTC), 23.5, "Sunday", "Sunday"),
        (datetime(2026, 7, 6, 13, 15, tzinfo=UTC), 8.25, "Monday", "workday"),
        (datetime(2026, 3, 8, 8, 30, tzinfo=UTC), 3.5, "Sunday", "Sunday"),
        (datetime(2026, 11, 26, 18, 0, tzinfo=UTC), 12.0, "Thursday", "holiday"),
        (datetime(2026, 8, 8, 18, 0, tzinfo=UTC), 13.0, "Saturday", "Saturday"),
    ],
    ids=["evening-before", "summer-time", "clocks-go-forward", "thanksgiving", "saturday"],
)
def test_time_is_that_of_the_city(time: datetime, hour: float, weekday: str, day: str) -> None:
    x = PROJECT.features(msgspec.structs.replace(trips(1)[0], timestamp=time))
    assert (x["hour"], x["weekday"], x["day"]) == (hour, weekday, day)
    assert x["hour_sin"] ** 2 + x["hour_cos"] ** 2 == pytest.approx(1)


@pytest.mark.parametrize(
    ("day", "free"),
    [
        (date(2026, 1, 1), True),
        (date(2026, 5, 25), True),
        (date(2026, 5, 18), False),
        (date(2026, 7, 4), True),
        (date(2026, 9, 7), True),
        (date(2026, 9, 14), False),
        (date(2026, 11, 26), True),
        (date(2026, 11, 27), True),
        (date(2026, 11, 20), False),
        (date(2024, 11, 29), True),
        (date(2026, 11, 25), False),
        (date(2026, 12, 25), True),
    ],
)
def test_holidays_are_those_of_the_country(day: date, free: bool) -> None:
    assert is_holiday(day) == free
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=HOUSTON)
    assert (kind_of_day(noon) == "holiday") == free


@pytest.mark.parametrize(
    ("north", "east", "expected"), [(1, 0, 0), (0, 1, 90), (-1, 0, 180), (0, -1, 270)]
)
def test_bearings_are_those_of_a_compass(north: float, east: float, expected: float) -> None:
    assert bearing(north, east) == pytest.approx(expected)


def test_distances_within_the_city_are_about_right() -> None:
    for event in trips(50):
        north = event.destination.lat - event.origin.lat
        east = event.destination.lon - event.origin.lon
        assert distance_km(north, east) == pytest.approx(event.estimated_distance_km, rel=0.02)


def test_quarters_are_squares() -> None:
    assert quarter(29.76, -95.37, 12) == quarter(29.77, -95.36, 12)
    assert quarter(29.76, -95.37, 12) != quarter(29.96, -95.37, 12)


@pytest.mark.parametrize("query", PROJECT.queries, ids=lambda query: query.title)
def test_every_query_runs_over_the_columns_of_the_event(query: Any) -> None:
    with duckdb.connect() as connection:
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        connection.execute(f"CREATE TABLE eta ({columns})")
        connection.executemany(
            f"INSERT INTO eta VALUES ({', '.join('?' * len(COLUMNS))})",  # noqa: S608
            [[getattr(trip, name) for name in COLUMNS] for trip in trips(30)],
        )
        assert connection.execute(query.sql).fetchall()


COLUMNS = {
    "trip_id": "VARCHAR",
    "driver_id": "VARCHAR",
    "timestamp": "TIMESTAMP",
    "weather": "VARCHAR",
    "hour_of_day": "BIGINT",
    "driver_rating": "DOUBLE",
    "estimated_distance_km": "DOUBLE",
    "initial_estimated_travel_time_seconds": "BIGINT",
    LABEL: "BIGINT",
}

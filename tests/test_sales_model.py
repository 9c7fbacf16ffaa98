"""The project of sales: its events, its features, and how well it forecasts."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import msgspec
import pytest

from flows.learning.learner import Learner
from flows.projects.sales import PROJECT, Sale, is_holiday
from flows.projects.spec import Project
from scripts.streams import drawn, events
from scripts.streams.drift import Drift
from tests.forecasts import prediction

EVENTS = 12_000
SEED = 7


@dataclass
class Run:
    """Test-then-train over a stream."""

    learner: Learner
    values: dict[str, float]
    late: dict[str, float]


def run_over(count: int, *, late_from: int, **arguments: Any) -> Run:
    learner = Learner.fresh(PROJECT)
    late = PROJECT.task.metrics()
    for number, value in enumerate(events("sales", seed=SEED, count=count, **arguments)):
        event = msgspec.convert(value, Sale)
        said, _ = learner.observe(event, event.timestamp.timestamp())
        if said is not None and number >= late_from:
            late.update(event.quantity_sold, said)
    return Run(learner, learner.state.metrics.values(), late.values())


@pytest.fixture(scope="module")
def living() -> Run:
    return run_over(EVENTS, late_from=EVENTS // 2, profile="living")


def sale(**others: Any) -> Sale:
    (value,) = events("sales", profile="living", count=1)
    return msgspec.convert({**value, **others}, Sale)


def test_forecasts_better_than_a_week_before(living: Run) -> None:
    assert living.values["MASE"] < 0.82
    assert living.late["MASE"] < 0.82
    assert living.values["MASE_h1"] < living.values["MASE_h7"]
    baseline = living.learner.state.challengers["baseline"].metrics.values()
    assert baseline["MASE"] == pytest.approx(1.0)
    assert living.values["MAE"] < 0.8 * baseline["MAE"]


def test_intervals_hold_for_every_horizon(living: Run) -> None:
    for horizon in range(1, 8):
        assert 0.77 < living.values[f"Coverage_h{horizon}"] < 0.83


def test_state_of_a_hundred_series_is_small(living: Run) -> None:
    assert len(pickle.dumps(living.learner.state.model)) < 1_000_000
    assert living.learner.state.model.describe()["series_known"] == 100


def test_report_has_the_fan_of_every_series(living: Run) -> None:
    report = living.learner.state.report
    assert len(report["series"]) == 100
    assert report["fans"].keys() == report["series"].keys()
    for name, fan in report["fans"].items():
        assert len(fan) == 7
        assert fan[0]["day"] > report["series"][name]["days"][-1]
    assert len(msgspec.json.encode(report)) < 100_000


def test_forecasts_the_reference_stream() -> None:
    found = run_over(6_000, late_from=3_000, profile="reference")
    assert found.late["MASE"] < 0.9
    assert 0.72 < found.late["Coverage"] < 0.88


def test_severe_drift_is_noticed_and_got_over() -> None:
    at = 8_000
    drifts = [Drift("sudden", "severe", at)]
    found = run_over(at + 4_000, late_from=at + 2_000, profile="living", drifts=drifts)
    alarms = [one["events_learned"] for one in found.learner.state.alarms]
    assert any(at < count <= at + 500 for count in alarms)
    assert found.late["MASE"] < 0.95


def test_features_hold_nothing_of_the_outcome() -> None:
    event = sale()
    others = {"quantity_sold": 5, "total_sales_amount": 1.0, "concept_drift_stage": 9}
    changed = msgspec.structs.replace(event, **others, event_id="x")
    assert PROJECT.features(changed) == PROJECT.features(event)
    assert not PROJECT.forbidden_inputs & PROJECT.features(event).keys()


def test_features_read_the_day_off_the_timestamp() -> None:
    event = sale(timestamp="2026-03-01T23:30:00+02:00", day_of_week=4)
    assert PROJECT.features(event)["day"] == date(2026, 3, 1).toordinal()


def test_events_are_keyed_by_their_series() -> None:
    event = sale(product_id="SKU_1", store_id="STORE_2")
    assert PROJECT.key(event) == PROJECT.features(event)["series"] == "SKU_1/STORE_2"


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ((2026, 12, 14), False),
        ((2026, 12, 15), True),
        ((2026, 12, 25), True),
        ((2026, 12, 26), False),
        ((2027, 1, 1), True),
        ((2027, 7, 7), True),
        ((2027, 7, 8), False),
    ],
)
def test_calendar_knows_holidays(day: tuple[int, int, int], told: bool) -> None:
    assert is_holiday(date(*day).toordinal()) is told


def test_calendar_ends_with_time() -> None:
    assert not is_holiday(date.max.toordinal() + 7)


def test_a_sale_needs_no_label_and_no_amount() -> None:
    (value,) = events("sales", count=1)
    for name in ("quantity_sold", "total_sales_amount", "promotion_id", "concept_drift_stage"):
        value.pop(name)
    event = msgspec.json.decode(msgspec.json.encode(value), type=Sale)
    assert event.quantity_sold is None


def test_reasons_are_in_units(living: Run) -> None:
    event = sale(timestamp=datetime(2026, 5, 9, 20, tzinfo=UTC).isoformat())
    model, x = living.learner.state.model, PROJECT.features(event)
    assert sum(model.explain_one(x).values()) == pytest.approx(model.predict_one(x), rel=0.1)


def test_no_forecast_is_scored_that_knew_the_day() -> None:
    """Another quantity of a day moves no forecast that had been made for it."""
    learners = [Learner.fresh(PROJECT) for _ in range(2)]
    *before, last = [msgspec.convert(one, Sale) for one, _ in drawn("sales", count=600)]
    for learner in learners:
        for event in before:
            learner.observe(event, event.timestamp.timestamp())
    said = [
        learner.observe(msgspec.structs.replace(last, quantity_sold=quantity), 0.0)[0]
        for learner, quantity in zip(learners, (1, 1_000), strict=True)
    ]
    assert said[0] == said[1]


def as_row(event: dict[str, Any], project: Project) -> dict[str, Any]:
    made = msgspec.to_builtins(prediction(1, 3.0, *[None] * 5, 4.0).made)
    return {**event, "prediction_made": made, "project": project.slug}


@pytest.mark.parametrize("query", PROJECT.queries, ids=lambda query: query.title)
def test_every_query_runs_over_the_columns_of_the_event(query: Any) -> None:
    rows = [as_row(event, PROJECT) for event in events("sales", count=50)]
    forecast = "STRUCT(value DOUBLE, lower DOUBLE, upper DOUBLE)"
    made = ", ".join(f"h{horizon} {forecast}" for horizon in range(1, 8))
    columns = {**COLUMNS, "prediction_made": f"STRUCT({made})"}
    with duckdb.connect() as connection:
        told = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        connection.execute(f"CREATE TABLE sales ({told})")
        connection.executemany(
            f"INSERT INTO sales VALUES ({', '.join('?' * len(columns))})",  # noqa: S608
            [[row[name] for name in columns] for row in rows],
        )
        assert connection.execute(query.sql).fetchall()


COLUMNS = {
    "product_id": "VARCHAR",
    "store_id": "VARCHAR",
    "timestamp": "TIMESTAMP",
    "quantity_sold": "BIGINT",
    "unit_price": "DOUBLE",
    "is_promotion_active": "BOOLEAN",
}

"""What every kind of task makes of a lake, projects of one's own included."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pytest
from river import compose, naive_bayes

from flows import projects
from flows.batch import frozen, offered
from flows.batch.dataset import load
from flows.batch.order import Order, silent
from flows.batch.table import split
from flows.batch.training import Trained, judge, train
from flows.learning.tasks.clustering_prediction import ClusterPrediction
from flows.learning.tasks.forecasting_prediction import ForecastingPrediction
from flows.learning.tasks.multiclass import MulticlassClassification
from flows.learning.tasks.multiclass_prediction import MulticlassPrediction
from flows.learning.tasks.regression import Regression
from flows.learning.tasks.regression_prediction import RegressionPrediction
from flows.projects.spec import Project
from flows.settings import Settings
from scripts.streams.stream import event_clock
from tests import phishing
from tests.batch_parts import drawn, lake

Lake = Callable[[Project, list[Any]], Settings]


class Leaf(msgspec.Struct, frozen=True):
    """Something of one's own: what tree a leaf is from."""

    leaf_id: str
    timestamp: datetime
    length: float
    edge: str
    tree: str | None = None


def leaf_features(leaf: Leaf) -> dict[str, Any]:
    return {"length": leaf.length, "edge": leaf.edge}


def leaf_model() -> Any:
    return compose.Select("length") | naive_bayes.GaussianNB()


LEAVES = Project(
    slug="leaves",
    title="Leaves",
    topic="leaves",
    task=MulticlassClassification(),
    event=Leaf,
    event_id="leaf_id",
    entity="leaf_id",
    label="tree",
    features=leaf_features,
    model=leaf_model,
    score="MacroF1",
)


def leaves(count: int) -> Iterator[Leaf]:
    """Oaks are lobed, ashes and limes are told apart by their length."""
    rng = np.random.default_rng(5)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(count):
        tree = ("oak", "ash", "lime")[rng.integers(3)]
        length = float(rng.normal({"oak": 9.0, "ash": 11.0, "lime": 6.0}[tree], 1.0))
        edge = "lobed" if tree == "oak" else "toothed"
        yield Leaf(str(number), start + timedelta(minutes=number), length, edge, tree)


@pytest.fixture(scope="module")
def lake_of(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return lambda project, events: lake(tmp_path_factory.mktemp("lake"), project, events)


@pytest.fixture(scope="module")
def trips(lake_of: Lake) -> tuple[Settings, Trained]:
    project = projects.get("eta")
    hours = event_clock(datetime(2026, 1, 5, tzinfo=UTC), 900.0)
    settings = lake_of(project, drawn(project, 2_000, clock=hours))
    return settings, train(project, settings, Order(), silent)


@pytest.fixture(scope="module")
def visits(lake_of: Lake) -> tuple[Settings, Trained]:
    project = projects.get("interactions")
    settings = lake_of(project, drawn(project, 2_000, profile="living"))
    return settings, train(project, settings, Order(), silent)


@pytest.fixture(scope="module")
def sales(lake_of: Lake) -> tuple[Settings, Trained]:
    project = projects.get("sales")
    all_sales = drawn(project, 15_000, profile="living")
    few = [one for one in all_sales if one.product_id in ("SKU_00001", "SKU_00002", "SKU_00003")]
    settings = lake_of(project, few)
    return settings, train(project, settings, Order(), silent)


def said_by(project: Project, settings: Settings, trained: Trained) -> list[Any]:
    """Predictions for the test part by the model as it is now."""
    test = split(load(project, settings, Order(), silent).table).test
    return trained.frozen.predict_many([trained.frozen.row(one) for one in test.inputs()])


def assert_complete(project: Project, trained: Trained) -> None:
    assert set(trained.diagnostics) == set(offered.short(project))
    json.dumps([trained.diagnostics, trained.notes, trained.metrics], allow_nan=False)
    assert set(trained.candidates) == set(offered.candidates(project))
    key = b"a key"
    assert frozen.decode(frozen.encode(trained.frozen, key), key).scores == trained.metrics


def test_a_trip_s_time_is_predicted_with_its_interval(trips: tuple[Settings, Trained]) -> None:
    project, (settings, trained) = projects.get("eta"), trips
    assert_complete(project, trained)
    said = said_by(project, settings, trained)
    assert all(isinstance(one, RegressionPrediction) for one in said)
    assert all(one.lower <= one.value <= one.upper for one in said)
    assert 0.65 < trained.metrics["Coverage"] < 0.95
    assert trained.metrics["R2"] > 0.7
    assert trained.notes["logarithmic"] is True
    names = {one.name for one in trained.frozen.head.columns}  # type: ignore[attr-defined]
    assert not names & project.forbidden_inputs
    assert sum(trained.diagnostics["residuals"]["histogram"]["count"]) >= 390


def test_numbers_below_zero_are_learnt_as_they_are(lake_of: Lake) -> None:
    project = replace(projects.get("eta"), task=Regression(), score="MAE")
    cold = [
        msgspec.structs.replace(
            one, simulated_actual_travel_time_seconds=None, temperature_celsius=-5.0
        )
        if number % 7 == 0
        else one
        for number, one in enumerate(drawn(project, 800))
    ]
    trained = train(project, lake_of(project, cold), Order(model="linear_regression"), silent)
    assert trained.notes["logarithmic"] is False
    assert trained.metrics["R2"] > 0.7
    assert trained.frozen.rows == sum(number % 7 != 0 for number in range(800))


def test_visits_are_clustered_by_their_last_event(visits: tuple[Settings, Trained]) -> None:
    project, (settings, trained) = projects.get("interactions"), visits
    assert_complete(project, trained)
    said = said_by(project, settings, trained)
    assert all(isinstance(one, ClusterPrediction) for one in said)
    assert {one.name for one in said} <= set(trained.notes["names"])
    assert len(set(trained.notes["names"])) == trained.notes["clusters"] > 1
    assert trained.metrics["Silhouette"] > 0.2
    table = load(project, settings, Order(), silent).table
    test = split(table).test
    assert trained.metrics["n_things"] == len(set(test.keys)) < len(test)
    sizes = trained.diagnostics["cluster_sizes"]
    assert sum(sizes["test"]) == trained.metrics["n_things"]
    best = max(one["silhouette"] for one in trained.notes["search"] if one["silhouette"])
    chosen = [one for one in trained.notes["search"] if one["silhouette"] == best]
    assert chosen[0]["clusters"] == trained.notes["clusters"]


def test_sales_are_forecast_from_what_was_sold_before(sales: tuple[Settings, Trained]) -> None:
    project, (settings, trained) = projects.get("sales"), sales
    assert_complete(project, trained)
    assert trained.metrics["MASE"] < 1.1
    said = said_by(project, settings, trained)
    assert all(isinstance(one, ForecastingPrediction) for one in said)
    assert all(one.today.lower <= one.today.value <= one.today.upper for one in said)
    errors = trained.diagnostics["error_by_horizon"]
    assert errors["mae"][1] == pytest.approx(trained.metrics["MAE_h1"], rel=1e-3)


def test_a_forecast_knows_nothing_of_the_days_between(sales: tuple[Settings, Trained]) -> None:
    """What was made a week before a day is the same, whatever was sold since then."""
    head = pickle.loads(pickle.dumps(sales[1].frozen.head))  # noqa: S301 - our own
    series, days = next(iter(head.histories.items()))
    last = days[-1].day
    inputs = {"series": series, "price": 5.0, "promotion": 0.0}
    (before,) = head.predict_many([head.row({**inputs, "day": last + 7})])
    for ahead in range(1, 7):
        head.learn({**inputs, "day": last + ahead}, 10_000)
    (after,) = head.predict_many([head.row({**inputs, "day": last + 7})])
    assert after.made.h7 == before.made.h7
    assert set(before.made) == {before.made.h7}
    assert after.made.h1.value > 2 * after.made.h7.value


def test_labels_change_histories_and_nothing_else(sales: tuple[Settings, Trained]) -> None:
    model = frozen.decode(frozen.encode(sales[1].frozen, b"a key"), b"a key")
    kept = pickle.loads(pickle.dumps(model.histories))  # noqa: S301 - our own
    series, days = next(iter(model.histories.items()))
    tomorrow = {"series": series, "day": days[-1].day + 1}
    before = model.predict_many([model.row(tomorrow)])
    model.learn({**tomorrow, "day": days[-1].day}, 5_000)
    assert model.predict_many([model.row(tomorrow)]) != before
    model.histories = kept
    assert model.predict_many([model.row(tomorrow)]) == before


def test_a_series_that_nobody_knows_is_forecast_for_today_alone(
    sales: tuple[Settings, Trained],
) -> None:
    model = sales[1].frozen
    row = model.row({"series": "new/there", "day": 740_000})
    (said,) = model.predict_many([row])
    assert said.today.value >= 0
    assert set(said.made) == {None}


def test_judging_a_forecaster_goes_on_from_day_to_day(sales: tuple[Settings, Trained]) -> None:
    project, (settings, _) = projects.get("sales"), sales
    head = train(project, settings, Order(rows=600), silent).frozen.head
    table = load(project, settings, Order(rows=600), silent).table
    newest = max(int(day) for day in table.frame["day"])
    assert max(days[-1].day for days in head.histories.values()) == newest
    metrics, said = judge(project, head, table.take(slice(-100, None)))
    assert len(said) == 100
    assert metrics["MAE_h1"] > 0


def test_a_project_of_ones_own_is_trained(lake_of: Lake) -> None:
    sites = [msgspec.convert(one, phishing.Site) for one in phishing.values()]
    trained = train(phishing.PROJECT, lake_of(phishing.PROJECT, sites), Order(), silent)
    assert_complete(phishing.PROJECT, trained)
    assert trained.metrics["F1"] > 0.8


def test_several_classes_are_told_apart(lake_of: Lake) -> None:
    settings = lake_of(LEAVES, list(leaves(900)))
    trained = train(LEAVES, settings, Order(), silent)
    assert_complete(LEAVES, trained)
    assert trained.metrics["Accuracy"] > 0.9
    assert trained.notes["classes"] == ["ash", "lime", "oak"]
    said = said_by(LEAVES, settings, trained)
    assert all(isinstance(one, MulticlassPrediction) for one in said)
    assert all(one.probability >= one.runner_up_probability for one in said)
    matrix = trained.diagnostics["confusion"]
    assert matrix["classes"] == ["ash", "lime", "oak"]
    assert sum(map(sum, matrix["matrix"])) == 180
    assert set(trained.diagnostics["roc"]["by_class"]) == {"ash", "lime", "oak"}


@pytest.mark.parametrize("slug", ["fraud", "eta", "interactions", "sales"])
def test_the_same_kind_of_model_is_made_for_every_project(slug: str) -> None:
    from flows.batch.tasks import batch_task

    project = projects.get(slug)
    task = batch_task(project)
    assert set(task.diagnostics) == set(offered.short(project))
    assert set(task.parameters) <= set(offered.candidates(project))

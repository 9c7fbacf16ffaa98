"""Each task's own pictures and verdicts, drawn from what its metrics and models really report."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import holoviews as hv
import msgspec
import pytest

from dashboard import pictures, theme
from dashboard.client import Client
from dashboard.feed import Snapshot
from dashboard.pictures import clustering, forecasting, multiclass, regression
from dashboard.store import Store
from dashboard.views.clustering import ClusteringReport, ClusterVerdict
from dashboard.views.forecasting import ForecastingReport, ForecastingVerdict
from dashboard.views.multiclass import MulticlassReport, MulticlassVerdict
from dashboard.views.project import ProjectPage, task_views
from dashboard.views.regression import RegressionReport, RegressionVerdict
from flows import projects
from flows.learning.learner import Learner
from flows.learning.tasks.multiclass import MulticlassClassification
from scripts.local.ports import free_port
from tests.dashboard_reports import LEARNT, learner, of_trees, snapshot_of
from tests.test_checks import sample_of

pytestmark = pytest.mark.usefixtures("own_document")

TASKS = {
    "eta": (RegressionReport, RegressionVerdict),
    "interactions": (ClusteringReport, ClusterVerdict),
    "sales": (ForecastingReport, ForecastingVerdict),
}


@pytest.fixture(scope="module")
def learners() -> dict[str, Learner]:
    return {slug: learner(slug) for slug in LEARNT}


@pytest.fixture(scope="module")
def told(learners: dict[str, Learner]) -> dict[str, dict[str, Any]]:
    return {slug: snapshot_of(made) for slug, made in learners.items()}


def plot(draw: Any) -> tuple[pictures.Picture, Any]:
    picture = pictures.Picture(draw)
    return picture, hv.renderer("bokeh").get_plot(picture.map)


def page_of(slug: str) -> ProjectPage:
    page = ProjectPage(projects.get(slug), Store(Client(f"http://127.0.0.1:{free_port()}")))
    page.open()
    return page


@pytest.mark.parametrize("slug", TASKS)
def test_every_task_has_views_of_its_own(slug: str) -> None:
    report, verdict = task_views(projects.get(slug))
    assert (type(report), type(verdict)) == TASKS[slug]


@pytest.mark.parametrize(("slug", "unit"), [("eta", "s"), ("sales", "units"), ("interactions", "")])
def test_unit_is_that_of_the_labels_field(slug: str, unit: str) -> None:
    assert [view.unit for view in task_views(projects.get(slug))] == [unit, unit]


@pytest.mark.parametrize("slug", LEARNT)
def test_page_that_was_drawn_empty_fills_with_the_report(
    slug: str, told: dict[str, dict[str, Any]], learners: dict[str, Learner]
) -> None:
    page = page_of(slug)
    page.__panel__().get_root()
    counts = learners[slug].state.counts
    detail: dict[str, Any] = {
        "slug": slug,
        "state": "running",
        "model": None,
        "counts": counts,
        "problems": [],
    }
    page.snapshot = Snapshot(project=detail, metrics=told[slug], history=[])
    assert page.live.kpis.tiles.values.keys() >= set(page.live._task.primary[:2])
    assert page.live._task.report == told[slug]["report"]


@pytest.mark.parametrize("slug", LEARNT)
def test_verdict_shows_what_the_model_says(slug: str, learners: dict[str, Learner]) -> None:
    sample = sample_of(projects.get(slug))
    made = learners[slug]
    event = sample.unlabelled(sample.event(sample.values[5]))
    features = made.project.inputs(event, made.state.past)
    said = made.project.task.answer(made.state.model, features)
    _, verdict = task_views(made.project)
    verdict.__panel__().get_root()
    verdict.report = made.state.report
    verdict.answer = msgspec.to_builtins(said)
    assert verdict.weight(1.0)


def test_regression_verdict_speaks_in_the_labels_unit() -> None:
    verdict = RegressionVerdict(unit="s")
    verdict.answer = {"value": 1240.0, "lower": 1000.0, "upper": 1500.0}
    assert "20 min 40 s" in verdict._value.object
    assert "between 16 min 40 s and 25 min" in verdict._bounds.object
    assert verdict.weight(-75.0) == "\u22121 min 15 s"


def test_regression_without_an_interval_says_so() -> None:
    verdict = RegressionVerdict()
    verdict.answer = {"value": 3.0, "lower": None, "upper": None}
    assert not verdict._scale.pane.visible
    assert "does not say how sure" in verdict._bounds.object


def test_residuals_keep_every_count(told: dict[str, dict[str, Any]]) -> None:
    report = told["eta"]["report"]["residuals"]
    histogram = regression.residuals(report, "s").values()[0]
    assert histogram.dimension_values("Frequency").sum() == pytest.approx(sum(report["counts"]))
    edges = histogram.edges
    assert (edges[0], edges[-1]) == pytest.approx(
        (report["edges"][0] / 60, report["edges"][-1] / 60)
    )


def test_pairs_leave_out_only_what_is_rare(told: dict[str, dict[str, Any]]) -> None:
    report = told["eta"]["report"]["predicted_actual"]
    squares = regression.pairs(report, "s").values()[0]
    assert len(report["cells"]) * 0.5 < len(squares) <= len(report["cells"])
    assert squares.dimension_values("strength").max() == 1.0


def test_hours_are_in_order_and_categories_by_how_common_they_are() -> None:
    rows = [{"value": value, "count": 9.0, "mean_absolute_error": 60.0} for value in (10, 9, 2)]
    assert list(regression.by_input(rows, "s").dimension_values("part")) == ["2", "9", "10"]
    named = [{"value": "Rain", "count": 9.0, "mean_absolute_error": 60.0}]
    named.append({"value": "Clear", "count": 90.0, "mean_absolute_error": 30.0})
    bars = regression.by_input(named, "s")
    assert list(bars.dimension_values("part")) == ["Clear", "Rain"]
    assert list(bars.dimension_values("error")) == [0.5, 1.0]


def test_places_are_told_from_other_inputs(told: dict[str, dict[str, Any]]) -> None:
    by = told["eta"]["report"]["error_by_input"]
    assert [name for name, rows in by.items() if regression.are_places(rows)] == ["origin_quarter"]
    assert not regression.are_places([])


def test_places_lie_where_their_names_say() -> None:
    square = {"value": "3/-7", "count": 9.0, "mean_absolute_error": 60.0}
    row = regression.places([square], "s").dframe().iloc[0]
    assert (row["x0"], row["y0"]) == (-7, 3)


def test_factors_of_places_are_found_among_all(told: dict[str, dict[str, Any]]) -> None:
    factors = told["eta"]["report"]["factors"]
    assert regression.of_places(factors) == factors["place"]
    assert regression.of_places({"hour": factors["hour"], "day": factors["day"]}) is None
    drawn = regression.factors([{"cell": [1, 2], "factor": 1.1}, {"cell": [1, 3], "factor": 0.9}])
    assert list(drawn.dimension_values("color")) == [theme.BAD, theme.GOOD]


def test_input_that_was_chosen_stays_chosen(told: dict[str, dict[str, Any]]) -> None:
    view = RegressionReport(unit="s")
    view.report = told["eta"]["report"]
    assert view.by.value == "hour"
    view.by._select.value = "weather"
    view.report = {**told["eta"]["report"], "entities": -1}
    assert view.by.value == "weather"
    assert view._places_card.visible
    view.report = {}
    assert not view._inputs_card.visible


def test_clusters_lie_on_the_map_with_their_names(told: dict[str, dict[str, Any]]) -> None:
    clusters = told["interactions"]["report"]["clusters"]
    dots, names = clustering.cluster_map(clusters).values()
    assert len(dots) == len(names) == len(clusters) > 1
    assert set(dots.dimension_values("x")) == {one["map"]["x"] for one in clusters}


def test_features_are_told_by_how_far_they_are_from_all() -> None:
    clusters = [
        {"cluster": number, "name": name, "numbers": {"price": stats}}
        for number, name, stats in (
            (0, "dear", {"count": 10, "mean": 20.0, "std": 0.0}),
            (1, "cheap", {"count": 10, "mean": 10.0, "std": 0.0}),
            (2, "free", {"count": 0}),
        )
    ]
    values, texts = clustering.features(clusters).values()
    assert list(values.dimension_values("share")) == [1.0, -1.0, 0.0]
    assert list(texts.dimension_values("text")) == ["20", "10", "—"]


def test_clusters_of_one_name_are_told_apart() -> None:
    counts = [{"cluster": number, "name": "alike", "count": 1} for number in (0, 1)]
    names = list(clustering.sizes(counts).dimension_values("name"))
    assert len(set(names)) == 2


def test_cluster_verdict_says_how_clear_it_is() -> None:
    verdict = ClusterVerdict()
    verdict.report = {"clusters": [{"cluster": 4, "share": 0.25}]}
    answer = {"cluster": 4, "name": "long visits", "distance": 1.0, "second_distance": 4.0}
    verdict.answer = {**answer, "clusters": 6}
    assert (verdict._fit.label, verdict._fit.color) == ("clear", "success")
    assert "25.0 % of all" in verdict._portrait.object
    verdict.answer = {**answer, "clusters": 6, "second_distance": 1.1}
    assert verdict._fit.label == "in between"
    verdict.answer = {**answer, "clusters": 1, "second_distance": None}
    assert verdict._fit.label == "the only one"


def test_every_series_can_be_chosen(told: dict[str, dict[str, Any]]) -> None:
    view = ForecastingReport(unit="units")
    view.report = told["sales"]["report"]
    assert list(view.series._select.options.values()) == list(told["sales"]["report"]["series"])
    assert view.series.value in told["sales"]["report"]["series"]


def test_errors_by_horizon_stand_beside_the_challengers(told: dict[str, dict[str, Any]]) -> None:
    sales = told["sales"]
    layers = forecasting.errors((sales["report"], sales["challengers"])).values()
    curves = [each for each in layers if isinstance(each, hv.Curve)]
    assert [curve.label for curve in curves] == ["model", "baseline"]
    assert [len(curve) for curve in curves] == [7, 7]


def test_fan_shows_the_past_and_the_days_ahead(told: dict[str, dict[str, Any]]) -> None:
    report = told["sales"]["report"]
    name, series = next(iter(report["series"].items()))
    series = {**series, "fan": report["fans"][name]}
    layers = forecasting.fan(series).values()
    assert len(layers[3]) == len(series["days"])
    assert len(layers[5]) == len(series["fan"]) == 7
    picture, drawn = plot(forecasting.fan)
    picture.send(series)
    assert "Datetime" in type(drawn.state.xaxis[0]).__name__


def test_forecast_verdict_dates_the_days_ahead() -> None:
    one = {"value": 10.0, "lower": 8.0, "upper": 12.0}
    fan = {f"h{ahead}": one for ahead in range(1, 7)} | {"h7": None}
    verdict = ForecastingVerdict(unit="units")
    verdict.answer = {"series": "a/b", "day": 738_000, "today": one, "fan": fan}
    assert "10 units on " in verdict._today.object
    assert verdict._days.object.count("10 (8 to 12)") == 6


def test_weekdays_are_beside_their_mean() -> None:
    rows = forecasting.weekdays([0.9] * 6 + [1.8]).dframe()
    sunday = rows[rows["feature"].str.startswith("Sunday")].iloc[0]
    assert sunday["color"] == theme.GOOD
    assert len(rows) == 7


def test_classes_are_confused_as_counted() -> None:
    report = of_trees()
    shares, texts = multiclass.confusion(report).values()
    assert shares["said oak", "is oak"] == 1.0
    assert len(texts) == 9
    assert len(multiclass.class_table(report["by_class"]).values()[1]) == 12


def test_several_classes_have_views_of_their_own() -> None:
    project = replace(projects.get("fraud"), task=MulticlassClassification())
    report, verdict = task_views(project)
    assert isinstance(report, MulticlassReport)
    assert isinstance(verdict, MulticlassVerdict)
    verdict.answer = {
        "decision": "oak",
        "probability": 0.7,
        "runner_up": "elm",
        "runner_up_probability": 0.2,
    }
    assert "70.0 % sure; elm comes next." in verdict._meaning.object
    assert len(multiclass.chances(verdict.answer)) == 2

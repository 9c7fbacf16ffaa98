"""Diagnostics that take long, of small models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flows import projects
from flows.batch import offered
from flows.batch.dataset import load
from flows.batch.diagnosing import LONG
from flows.batch.diagnostics.study import Study
from flows.batch.order import Order, silent
from flows.batch.table import Table, split
from flows.batch.tasks import batch_task
from flows.errors import EventError, ProjectError
from flows.projects import fraud
from flows.projects.spec import Project
from tests.batch_parts import drawn, lake

PROJECT = fraud.PROJECT


def study_of(project: Project, table: Table, name: str) -> Study:
    parts, task = split(table), batch_task(project)
    head = task.fit(project, name, parts, silent)
    return Study(project, task, name, head, table, parts)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    events = drawn(PROJECT, 2_000, fraud_probability=0.2)
    return load(
        PROJECT, lake(tmp_path_factory.mktemp("lake"), PROJECT, events), Order(), silent
    ).table


@pytest.fixture(scope="module")
def study(table: Table) -> Study:
    return study_of(PROJECT, table, "logistic_regression")


def found(study: Study, name: str) -> Any:
    stages: list[tuple[float, str]] = []
    made = LONG[name](study, lambda *one: stages.append(one))
    shares = [share for share, _ in stages]
    assert shares == sorted(shares)
    assert all(0 <= share <= 1 for share in shares)
    return json.loads(json.dumps(made, allow_nan=False))


def test_all_that_is_offered_is_there() -> None:
    for slug in ("fraud", "eta", "interactions", "sales"):
        assert set(offered.long(projects.get(slug))) <= set(LONG)


def test_a_learning_curve_rises_with_the_rows(study: Study) -> None:
    curve = found(study, "learning_curve")
    assert curve["rows"] == [120, 240, 420, 720, 1200]
    assert curve["measure"] == "FBeta"
    assert curve["validation"][-1] > 0.7
    assert curve["train"][-1] > 0.7
    assert len(curve["seconds"]) == 5


def test_a_validation_curve_is_of_the_model_s_own_parameter(study: Study) -> None:
    curve = found(study, "validation_curve")
    assert (curve["parameter"], curve["values"][0]) == ("C", 0.001)
    assert len(curve["validation"]) == len(curve["values"])
    assert len(set(curve["train"])) > 1


def test_cross_validation_never_trains_on_what_comes_later(study: Study) -> None:
    told = found(study, "cross_validation")
    assert told["trained_on"] == sorted(told["trained_on"])
    assert all(end <= begin for end, begin in zip(told["to"][:-1], told["from"][1:], strict=True))
    assert study.table.times[told["trained_on"][0]] < told["from"][0]
    assert len(told["score"]) == 5
    assert told["mean"] == pytest.approx(sum(told["score"]) / 5)


def test_the_inputs_that_decide_are_the_important_ones(study: Study) -> None:
    told = found(study, "permutation_importance")
    assert told["columns"][0] == "amount"
    assert told["loss"][0] > 0.2
    assert told["loss"] == sorted(told["loss"], reverse=True)
    losses = dict(zip(told["columns"], told["loss"], strict=True))
    assert abs(losses["browser"]) < 0.05


def test_dependence_shows_what_makes_fraud_likelier(study: Study) -> None:
    columns = {one["name"]: one for one in found(study, "partial_dependence")["columns"]}
    amount = columns["amount"]["mean"]["probability"]
    assert amount[-1] > amount[len(amount) // 2]
    given, missing = (
        dict(
            zip(
                columns["cvv_provided"]["values"],
                columns["cvv_provided"]["mean"]["probability"],
                strict=True,
            )
        ),
        0.0,
    )
    assert given[missing] > given[1.0]
    assert set(columns["browser"]["values"]) == set(fraud.BROWSERS)


@pytest.mark.parametrize("name", ["projection_pca", "projection_tsne"])
def test_rows_are_laid_out_with_their_classes(study: Study, name: str) -> None:
    told = found(study, name)
    assert len(told["x"]) == len(told["y"]) == len(told["class"])
    assert set(told["class"]) == {"0", "1"}


def test_somebody_can_end_it(study: Study) -> None:
    def stop(_share: float, stage: str) -> None:
        if stage.startswith("shuffling cvv"):
            raise EventError("enough")

    with pytest.raises(EventError, match="enough"):
        LONG["permutation_importance"](study, stop)


def test_visits_have_no_curve_but_a_plane(tmp_path: Path) -> None:
    project = projects.get("interactions")
    settings = lake(tmp_path, project, drawn(project, 1_500, profile="living"))
    visits = study_of(project, load(project, settings, Order(), silent).table, "k_means")
    told = found(visits, "projection_tsne")
    assert set(told["class"]) <= set(visits.head.names)
    with pytest.raises(ProjectError, match="hdbscan has no parameter"):
        LONG["validation_curve"](
            Study(project, visits.task, "hdbscan", visits.head, visits.table, visits.parts), silent
        )


def test_forecasts_depend_on_what_was_sold_before(tmp_path: Path) -> None:
    project = projects.get("sales")
    few = [one for one in drawn(project, 9_000, profile="living") if one.product_id < "SKU_00003"]
    settings = lake(tmp_path, project, few)
    sales = study_of(project, load(project, settings, Order(), silent).table, "gradient_boosting")
    told = found(sales, "permutation_importance")
    assert told["measure"] == "MAE"
    assert max(told["loss"]) > 0
    columns = {one["name"]: one for one in found(sales, "partial_dependence")["columns"]}
    assert columns["ahead"]["values"] == sorted(columns["ahead"]["values"])
    assert "times_usual" in columns["promotion"]["mean"]

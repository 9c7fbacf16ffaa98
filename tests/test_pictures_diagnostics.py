"""Pictures of diagnostics by both backends, of small plain data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import holoviews as hv
import pytest

from flows.batch.offered import OFFERS
from flows.pictures import rendering
from flows.pictures.diagnostics import PICTURES, picture

CHOSEN = {"recall": 0.8, "precision": 0.7, "false_positive_rate": 0.1}
PARTS = {"train": [90, 10], "validation": [29, 1], "test": [30, 0]}
ROC = {"false_positive_rate": [0.0, 0.1, 1.0], "true_positive_rate": [0.0, 0.8, 1.0], "area": 0.9}
RECALL = {"recall": [1.0, 0.8, 0.0], "precision": [0.1, 0.7, 1.0], "average_precision": 0.75}
PLANE: dict[str, Any] = {"x": [0.0, 1.0, 2.0], "y": [1.0, 0.0, 2.0], "class": ["a", "b", "a"]}
SCORED: dict[str, Any] = {
    "train": [0.9, 0.95],
    "validation": [0.7, 0.8],
    "measure": "FBeta",
    "maximize": True,
    "seconds": [0.1, 0.2],
}
RANKED = {"columns": ["amount", "hour_of_day"], "score": [0.4, 0.1], "measure": "information"}
MATRIX = [[1.0, 0.2], [0.2, None]]

TOLD: dict[str, dict[str, Any]] = {
    "confusion": {"classes": ["0", "1"], "matrix": [[90, 3], [1, 6]]},
    "roc": {**ROC, "chosen": CHOSEN},
    "precision_recall": {**RECALL, "share": 0.1, "chosen": CHOSEN},
    "det": {"false_positive_rate": [0.0, 0.1, 1.0], "false_negative_rate": [1.0, 0.2, 0.0]},
    "calibration": {"predicted": [0.1, 0.6], "observed": [0.2, 0.5], "count": [9, 4], "brier": 0.1},
    "gain": {"share": [0.0, 0.5, 1.0], "found": [0.0, 0.9, 1.0]},
    "lift": {"share": [0.1, 0.5, 1.0], "lift": [9.0, 2.0, 1.0]},
    "threshold": {
        "threshold": [0.1, 0.5],
        "precision": [0.5, 0.9],
        "recall": [0.9, 0.5],
        "fbeta": [0.8, 0.6],
        "beta": 2.0,
        "chosen": 0.2,
    },
    "class_balance": {"classes": ["0", "1"], **PARTS},
    "feature_correlations": {"columns": ["amount", "hour"], "matrix": MATRIX},
    "feature_ranks": RANKED,
    "learning_curve": {"rows": [100, 200], **SCORED},
    "validation_curve": {"parameter": "C", "values": [0.001, 10.0], **SCORED},
    "cross_validation": {
        "score": [0.7, None],
        "mean": 0.7,
        "spread": 0.0,
        "measure": "FBeta",
        "from": [0.0, 1.0],
        "to": [1.0, 2.0],
        "trained_on": [100, 200],
    },
    "permutation_importance": {
        "columns": ["amount", "hour"],
        "loss": [0.5, -0.01],
        "spread": [0.01, 0.02],
        "measure": "FBeta",
        "score": 0.8,
    },
    "partial_dependence": {
        "columns": [
            {
                "name": "amount",
                "category": False,
                "values": [1.0, 2.0],
                "mean": {"probability": [0.1, 0.4]},
            },
            {"name": "os", "category": True, "values": ["a", "b"], "mean": {"value": [0.1, 0.2]}},
            {
                "name": "length",
                "category": False,
                "values": [1.0, 2.0],
                "mean": {"oak": [0.1, 0.4], "ash": [0.9, 0.6]},
            },
            {"name": "nothing", "category": False, "values": [], "mean": {}},
        ]
    },
    "projection_pca": {**PLANE, "explained": [0.6, 0.3]},
    "projection_tsne": PLANE,
    "residuals": {
        "predicted": [1.0, 2.0, 3.0],
        "residual": [0.1, -0.2, 0.0],
        "histogram": {"edges": [-1.0, 0.0, 1.0], "count": [2, 1]},
        "quantiles": {"normal": [-1.0, 0.0, 1.0], "residual": [-0.3, 0.0, 0.3]},
        "mean": 0.0,
        "median": 0.0,
        "spread": 0.1,
    },
    "prediction_error": {
        "actual": [1.0, 2.0],
        "predicted": [1.1, 1.9],
        "best_fit": {"slope": 1.1, "intercept": -0.1},
        "r2": 0.9,
    },
    "interval_calibration": {
        "predicted": [1.0, 2.0],
        "covered": [0.7, 0.9],
        "width": [1.0, 2.0],
        "below": [0.1, 0.1],
        "above": [0.2, 0.0],
        "wanted": 0.8,
        "coverage": 0.8,
    },
    "error_by_horizon": {
        "ahead": [0, 1],
        "mae": [1.0, 2.0],
        "coverage": [0.8, None],
        "width": [2.0, 3.0],
        "wanted": 0.8,
    },
    "silhouette": {
        "clusters": [
            {"name": "long visits", "size": 2, "silhouette": [0.5, 0.1]},
            {"name": "short visits", "size": 3, "silhouette": [0.4, 0.2, -0.1]},
        ],
        "mean": 0.2,
    },
    "elbow": {
        "clusters": [2, 3],
        "silhouette": [0.3, 0.4],
        "inertia": [10.0, 6.0],
        "chosen": 3,
    },
    "cluster_distances": {
        "names": ["long visits", "short visits"],
        "matrix": [[0.0, 2.0], [2.0, 0.0]],
        "x": [0.0, 2.0],
        "y": [0.0, 0.0],
        "size": [5, 0],
    },
    "cluster_sizes": {"classes": ["long visits", "long visits"], **PARTS},
}
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *TOLD.items(),
    ("roc", {"by_class": {"oak": ROC, "ash": ROC}}),
    ("precision_recall", {"by_class": {"oak": RECALL}}),
    ("calibration", {"predicted": [0.5], "observed": [0.6], "count": [9]}),
    ("silhouette", {"clusters": [], "mean": None}),
    ("det", {"false_positive_rate": [0.0], "false_negative_rate": [0.0]}),
    (
        "elbow",
        {
            "clusters": [2, 0],
            "silhouette": [0.3, None],
            "smallest": [5, 9],
            "outside": [0.2, 1.0],
            "chosen": 2,
        },
    ),
    ("learning_curve", {"rows": [100], **SCORED, "train": [None], "validation": [0.5]}),
]


@pytest.fixture(scope="module", params=["matplotlib", "bokeh"])
def renderer(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A backend, for as long as its tests take."""
    rendering.prepare()
    found = hv.renderer(request.param)
    before = hv.Store.current_backend
    hv.Store.set_current_backend(request.param)
    yield found
    hv.Store.set_current_backend(before)


def test_all_that_is_offered_has_a_picture() -> None:
    offers = [name for offer in OFFERS.values() for name in (*offer.short, *offer.long)]
    assert set(offers) == set(PICTURES) == set(TOLD)


@pytest.mark.parametrize(("name", "told"), VARIANTS)
def test_it_is_drawn_by_either_backend(renderer: Any, name: str, told: dict[str, Any]) -> None:
    plot = renderer.get_plot(picture(name, told, f"{name} of a model"))
    assert plot.state is not None
    if renderer.backend == "matplotlib":
        from matplotlib import pyplot

        pyplot.close(plot.state)


@pytest.mark.parametrize("form", ["png", "svg"])
def test_a_picture_becomes_a_file(form: Any) -> None:
    rendering.prepare()
    before = hv.Store.current_backend
    hv.Store.set_current_backend("matplotlib")
    try:
        drawn = rendering.render(picture("confusion", TOLD["confusion"], "Confusion"), form)
    finally:
        hv.Store.set_current_backend(before)
    assert drawn.startswith(b"\x89PNG" if form == "png" else b"<?xml")
    assert len(drawn) > 5_000
    assert form == "png" or b"<!-- 90 -->" in drawn


def test_a_name_that_there_is_not_is_told() -> None:
    with pytest.raises(KeyError, match="secrets"):
        picture("secrets", {})

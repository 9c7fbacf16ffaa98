"""What batch learning offers for each kind of task, by name; without scikit-learn or network."""

from __future__ import annotations

from dataclasses import dataclass

from flows.errors import ProjectError
from flows.projects.spec import Project

BOOSTING = "gradient_boosting"
ADDITIVE = "additive_boosting"
LOGISTIC = "logistic_regression"
LINEAR = "linear_regression"
K_MEANS = "k_means"
HDBSCAN = "hdbscan"


@dataclass(frozen=True, slots=True)
class Offer:
    """Models to choose from; diagnostics made at once when training, and those that take long."""

    candidates: tuple[str, ...]
    short: tuple[str, ...]
    long: tuple[str, ...]


INPUTS = ("feature_correlations", "feature_ranks")
CURVES = (
    "learning_curve",
    "validation_curve",
    "cross_validation",
    "permutation_importance",
    "partial_dependence",
)

OFFERS = {
    "binary": Offer(
        (BOOSTING, ADDITIVE, LOGISTIC),
        (
            *("confusion", "roc", "precision_recall", "det", "calibration", "gain", "lift"),
            *("threshold", "class_balance", *INPUTS),
        ),
        (*CURVES, "projection_pca", "projection_tsne"),
    ),
    "multiclass": Offer(
        (BOOSTING, LOGISTIC),
        ("confusion", "roc", "precision_recall", "calibration", "class_balance", *INPUTS),
        (*CURVES, "projection_pca", "projection_tsne"),
    ),
    "regression": Offer(
        (BOOSTING, LINEAR),
        ("residuals", "prediction_error", "interval_calibration", *INPUTS),
        CURVES,
    ),
    "clustering": Offer(
        (K_MEANS, HDBSCAN),
        ("silhouette", "elbow", "cluster_distances", "cluster_sizes", *INPUTS, "projection_pca"),
        ("projection_tsne",),
    ),
    "forecasting": Offer(
        (BOOSTING,),
        ("residuals", "prediction_error", "interval_calibration", "error_by_horizon"),
        CURVES,
    ),
}


def offer(project: Project) -> Offer:
    """What there is for a project's task. Raises ProjectError for a task of somebody's own."""
    try:
        return OFFERS[project.task.name]
    except KeyError:
        raise ProjectError(
            f"{project.slug}: there is no batch learning for tasks of the kind"
            f" {project.task.name!r}; there is for {', '.join(OFFERS)}"
        ) from None


def candidates(project: Project) -> tuple[str, ...]:
    """The models that can be trained."""
    return offer(project).candidates


def short(project: Project) -> tuple[str, ...]:
    """Diagnostics that are made whenever a model is trained."""
    return offer(project).short


def long(project: Project) -> tuple[str, ...]:
    """Diagnostics that take long, and are made when asked for."""
    return offer(project).long

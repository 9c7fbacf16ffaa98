"""How inputs hang together, and how much each one alone tells of the label."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

from flows.batch.diagnostics.thin import places, told
from flows.batch.preparing import SEED
from flows.batch.table import Floats, Table
from flows.batch.task import Diagnostic, Json, Subject

ROWS = 2_000
MOST_COLUMNS = 40


def feature_correlations(subject: Subject) -> Json:
    """Rank correlations between inputs; categories count by their codes."""
    table = _sample(subject)
    names, values = coded(table)
    ranked = np.apply_along_axis(stats.rankdata, 0, values) if names else values
    spread = ranked - ranked.mean(0)
    sizes = np.sqrt((spread**2).sum(0))
    sizes[sizes == 0] = np.inf
    matrix = (spread / sizes).T @ (spread / sizes)
    return {"columns": names, "matrix": [told(row) for row in matrix]}


def feature_ranks(subject: Subject) -> Json:
    """Mutual information of each input with the label, most telling first, in nats."""
    table = _sample(subject)
    names, values = coded(table)
    discrete = [one in table.categories for one in names]
    told_apart = subject.project.task.name in ("binary", "multiclass")
    measure = mutual_info_classif if told_apart else mutual_info_regression
    labels = table.labels.astype(str if told_apart else float)
    if not names:
        return {"columns": [], "score": [], "measure": "mutual information"}
    found = measure(values, labels, discrete_features=discrete, random_state=SEED)
    order = np.argsort(-found, kind="stable")
    return {
        "columns": [names[place] for place in order],
        "score": told(found[order]),
        "measure": "mutual information",
    }


DIAGNOSTICS: dict[str, Diagnostic] = {
    "feature_correlations": feature_correlations,
    "feature_ranks": feature_ranks,
}


def _sample(subject: Subject) -> Table:
    """Some rows of the training part, evenly over time, of the columns that the model sees."""
    columns = list(subject.head.columns)[:MOST_COLUMNS]
    train = subject.parts.train
    return train.keep(columns).take(places(len(train), ROWS))


def coded(table: Table) -> tuple[list[str], Floats]:
    """Columns as numbers: what is missing is the median, texts are codes."""
    names = [one.name for one in table.columns]
    columns: list[Any] = []
    for one in table.columns:
        values = table.frame[one.name].to_numpy()
        if one.category:
            columns.append(np.unique(values.astype(str), return_inverse=True)[1].astype(float))
        else:
            known = values[~np.isnan(values)]
            columns.append(
                np.where(np.isnan(values), np.median(known) if len(known) else 0, values)
            )
    return names, np.column_stack(columns) if columns else np.empty((len(table), 0))

"""What a model makes of its inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from flows.batch.diagnostics.study import Study
from flows.batch.diagnostics.thin import places, told
from flows.batch.order import Progress
from flows.batch.preparing import SEED
from flows.batch.table import Column
from flows.batch.task import Examined, Json

ROWS = 3_000
REPEATS = 3
SHOWN_ROWS = 300
MOST_COLUMNS = 40
GRID = 20
MOST_TEXTS = 12


def permutation_importance(study: Study, progress: Progress) -> Json:
    """How much worse the score is where an input's values are shuffled; Breiman (2001)."""
    examined = _examined(study, ROWS)
    usual, rng = examined.score(examined.frame), np.random.default_rng(SEED)
    sign = 1.0 if examined.maximize else -1.0
    columns, rows = list(examined.columns)[:MOST_COLUMNS], []
    for number, column in enumerate(columns):
        progress(number / len(columns), f"shuffling {column.name}")
        losses = []
        for _ in range(REPEATS):
            shuffled = examined.frame.copy()
            shuffled[column.name] = rng.permutation(shuffled[column.name].to_numpy())
            losses.append(sign * (usual - examined.score(shuffled)))
        rows.append((column.name, float(np.mean(losses)), float(np.std(losses))))
    rows.sort(key=lambda row: -row[1])
    names, means, spreads = zip(*rows, strict=True)
    return {
        "columns": list(names),
        "loss": told(means),
        "spread": told(spreads),
        "measure": examined.measure,
        "score": told([usual])[0],
    }


def partial_dependence(study: Study, progress: Progress) -> Json:
    """The mean prediction by each input, all others as they are; Friedman (2001)."""
    examined = _examined(study, SHOWN_ROWS)
    columns, found = list(examined.columns)[:MOST_COLUMNS], []
    for number, column in enumerate(columns):
        progress(number / len(columns), f"varying {column.name}")
        grid = _grid(examined.frame[column.name].to_numpy(), column)
        means = [_response(study, examined, column, value) for value in grid]
        found.append(
            {
                "name": column.name,
                "category": column.category,
                "values": list(grid) if column.category else told(grid),
                "mean": {
                    name: told([one[name] for one in means]) for name in (means[0] if means else {})
                },
            }
        )
    return {"columns": found}


def _examined(study: Study, rows: int) -> Examined:
    """Some rows of the test part."""
    test = study.parts.test
    return study.task.examined(study.project, study.head, test.take(places(len(test), rows)))


def _grid(values: Any, column: Column) -> list[Any]:
    """Values that occur: the commonest texts, or quantiles of numbers."""
    if column.category:
        counts = pd.Series(values).value_counts()
        return [str(one) for one in counts.index[:MOST_TEXTS]]
    known = values[~np.isnan(values)]
    if not len(known):
        return []
    return [float(one) for one in np.unique(np.quantile(known, np.linspace(0.02, 0.98, GRID)))]


def _response(study: Study, examined: Examined, column: Column, value: Any) -> dict[str, float]:
    changed = examined.frame.copy()
    same = np.empty(len(changed), dtype=object if column.category else float)
    same[:] = value
    changed[column.name] = pd.Series(same, dtype=same.dtype)
    response = study.task.response(study.head, changed)
    return {name: float(np.mean(values)) for name, values in response.items()}

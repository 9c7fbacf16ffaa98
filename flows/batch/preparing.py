"""Preprocessing: what makes numbers of a table's columns, as first step of a pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    OneHotEncoder,
    OrdinalEncoder,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)

from flows.batch.table import Column, Table

MANY = 32
"""More categories than these are told apart by what is usual for each."""
IDENTIFYING = 0.5
"""A text that is another one in more than this part of the rows says which row it is."""
KNOTS = 8
SEED = 42


def useful(table: Table) -> list[Column]:
    """The columns that can tell something: no identifiers, none that always say the same."""
    return [one for one in table.columns if _tells(table.frame[one.name].to_numpy(), one)]


def _tells(values: Any, column: Column) -> bool:
    if column.category:
        return 1 < len(set(values)) <= max(2, IDENTIFYING * len(values))
    return _varies(values)


def _varies(values: Any) -> bool:
    known = values[~np.isnan(values)]
    return bool(len(known) and known.min() < known.max())


def for_trees(table: Table, target: str) -> ColumnTransformer:
    """Numbers as they are, few categories as codes, many by what is usual for each.

    Codes come first, `coded` says how many; what was not seen in training is missing.
    """
    few, many = _by_size(table)
    varying = [name for name in table.numbers if _varies(table.frame[name].to_numpy())]
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan
    )
    return ColumnTransformer(
        [
            ("codes", codes, few),
            ("usual", _usual(target), many),
            ("numbers", "passthrough", varying),
        ]
    )


def coded(table: Table) -> list[int]:
    """Places of the codes among the columns that `for_trees` makes."""
    return list(range(len(_by_size(table)[0])))


def for_lines(table: Table, target: str) -> ColumnTransformer:
    """Numbers as smooth curves, few categories as one column each, many by what is usual."""
    few, many = _by_size(table)
    plain, curved = _by_spread(table)
    return ColumnTransformer(
        [
            ("categories", OneHotEncoder(handle_unknown="ignore"), few),
            ("usual", make_pipeline(_usual(target), StandardScaler()), many),
            ("plain", make_pipeline(_filled(), StandardScaler()), plain),
            ("curves", make_pipeline(_filled(), _curves(), StandardScaler()), curved),
        ],
        sparse_threshold=0.0,
    )


def _usual(target: str) -> TargetEncoder:
    """What is usual for each category, of rows from another time than the one encoded."""
    times = KFold() if target == "continuous" else StratifiedKFold()
    return TargetEncoder(target_type=target, cv=times)


def _filled() -> SimpleImputer:
    return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)


def _curves() -> SplineTransformer:
    return SplineTransformer(
        n_knots=KNOTS, degree=3, knots="quantile", extrapolation="constant", include_bias=False
    )


def _by_size(table: Table) -> tuple[list[str], list[str]]:
    """Categories by how many values they have."""
    few: list[str] = []
    many: list[str] = []
    for name in table.categories:
        (few if table.frame[name].nunique() <= MANY else many).append(name)
    return few, many


def _by_spread(table: Table) -> tuple[list[str], list[str]]:
    """Numbers with few values, of which no curve can be made, and the others."""
    plain: list[str] = []
    curved: list[str] = []
    for name in table.numbers:
        values = table.frame[name].dropna().to_numpy()
        edges = np.quantile(values, np.linspace(0, 1, KNOTS)) if len(values) else np.zeros(1)
        (curved if len(np.unique(edges)) == KNOTS else plain).append(name)
    return plain, curved

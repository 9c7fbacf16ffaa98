"""Forecasting at once: all series and all days ahead in one model, of what was sold before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn import metrics

from flows.batch.diagnostics import forecasting as curves
from flows.batch.diagnostics.thin import places
from flows.batch.lags import Described, Histories, Lags
from flows.batch.offered import BOOSTING
from flows.batch.order import Progress
from flows.batch.preparing import useful
from flows.batch.table import Floats, Parts, Row, Table, frame_of
from flows.batch.task import BatchTask, Examined, Json, Subject
from flows.batch.tasks.regression import TAILS, boosting
from flows.errors import ProjectError
from flows.learning.tasks.forecasting_prediction import (
    HORIZONS,
    Forecast,
    ForecastingPrediction,
    Horizons,
)
from flows.projects.spec import Project

MOST_EXAMPLES = 100_000
LARGEST_LOG = 30.0
GENTLE = {"max_iter": 60, "learning_rate": 0.06, "max_leaf_nodes": 15}
"""Days of a series are much alike, and seasons come once: trees that go further learn by heart."""
PARAMETERS: dict[str, tuple[str, Sequence[Any]]] = {BOOSTING: ("max_iter", (15, 30, 60, 120))}


class ForecastHead:
    """Forecasts relative to the mean of each series' last days, which it keeps.

    `around`: by how much bounds are moved outwards, by days ahead.
    """

    def __init__(self, lags: Lags, models: Sequence[Any], histories: Histories) -> None:
        self.lags = lags
        self.models = tuple(models)
        self.histories = histories
        self.around = np.zeros((HORIZONS + 1, 2))

    @property
    def columns(self) -> Any:
        """What models see."""
        return self.lags.columns

    def row(self, inputs: Mapping[str, Any]) -> Row:
        """The series, the day, and what is known on it and 1 to 7 days before it."""
        described = self.lags.describe(self.histories, inputs)
        return str(inputs["series"]), int(inputs["day"]), described

    def learn(self, inputs: Mapping[str, Any], label: Any) -> None:
        """Keep what was sold."""
        self.lags.note(self.histories, inputs, label)

    def predict_many(self, rows: Sequence[Row]) -> list[ForecastingPrediction]:
        """One prediction a row."""
        flat = [one for _, _, described in rows for one in described if one is not None]
        if not flat:
            return []
        found = iter(self.forecasts(flat))
        predictions = []
        for series, day, (_, *before) in rows:
            today = next(found)
            made = Horizons(*[None if one is None else next(found) for one in before])
            predictions.append(ForecastingPrediction(series, day, today, made))
        return predictions

    def forecasts(self, described: Sequence[Described]) -> list[Forecast]:
        """One forecast each."""
        frame = frame_of(self.columns, [one.values for one in described])
        level = np.array([one.level for one in described])
        ahead = np.array([one.ahead for one in described])
        value, low, high = (_units(level + one) for one in self.scaled(frame, ahead))
        return [
            Forecast(*one) for one in zip(value.tolist(), low.tolist(), high.tolist(), strict=True)
        ]

    def scaled(self, frame: Any, ahead: Any) -> tuple[Floats, Floats, Floats]:
        """Value and bounds as logarithms relative to the level."""
        value, low, high = (model.predict(frame) for model in self.models)
        below, above = self.around[ahead].T
        return value, np.minimum(value, low - below), np.maximum(value, high + above)


class ForecastingBatch(BatchTask):
    """The median by the least absolute error of logarithms; bounds by quantiles, then moved."""

    diagnostics = curves.DIAGNOSTICS
    parameters = PARAMETERS

    def check(self, project: Project, parts: Parts) -> None:
        """Series and days must have their names. Raises ProjectError."""
        names = {one.name for one in parts.train.columns}
        if lacking := {"series", "day"} - names:
            raise ProjectError(
                f"{project.slug}: its features have no {' and no '.join(sorted(lacking))};"
                " forecasting needs both"
            )

    def fit(
        self,
        project: Project,
        name: str,
        parts: Parts,
        progress: Progress,
        changed: Mapping[str, Any] | None = None,
    ) -> ForecastHead:
        lags, histories = _lags(project, parts.train), Histories()
        progress(0.0, "describing days")
        described, sold = examples(lags, histories, parts.train)
        chosen = places(len(described), MOST_EXAMPLES)
        table = _table(lags, [described[place] for place in chosen])
        target = sold[chosen] - np.array([described[place].level for place in chosen])
        models = []
        for number, own in enumerate(
            (
                {},
                {"loss": "quantile", "quantile": TAILS[0]},
                {"loss": "quantile", "quantile": TAILS[1]},
            )
        ):
            progress(0.2 + 0.25 * number, f"training {name}{' and its bounds' if number else ''}")
            model = boosting(table, {**GENTLE, **(changed or {}), **own})
            models.append(model.fit(table.frame, target))
        head = ForecastHead(lags, models, histories)
        progress(0.95, f"calibrating {name}")
        _calibrate(head, parts.validation)
        return head

    def more(self, subject: Subject) -> dict[str, float]:
        """Errors a day ahead in other measures, and those of the day itself."""
        labels = subject.test.labels.astype(float)
        today = np.array([one.today.value for one in subject.predictions])
        found = {
            "MAE_today": float(metrics.mean_absolute_error(labels, today)),
            "MedianAE_today": float(metrics.median_absolute_error(labels, today)),
        }
        ahead, values, *_ = curves.judged(subject, 1)
        if len(ahead):
            found["R2_h1"] = float(metrics.r2_score(ahead, values))
            found["D2AbsoluteError_h1"] = float(metrics.d2_absolute_error_score(ahead, values))
            found["MeanError_h1"] = float(np.mean(values - ahead))
        return found

    def notes(self, head: ForecastHead) -> Json:
        """How many series are known."""
        return {"series": len(head.histories), "inputs": [one.name for one in head.columns]}

    def response(self, head: ForecastHead, frame: Any) -> dict[str, Floats]:
        """How many times the mean of the last days is forecast."""
        return {"times_usual": np.exp(head.models[0].predict(frame))}

    def examined(self, project: Project, head: ForecastHead, table: Table) -> Examined:
        """Forecasts for the days of a table, some of them, scored by their mean absolute error."""
        described, sold = examples(head.lags, Histories(), table)
        chosen = places(len(described), len(table))
        frame = _table(head.lags, [described[place] for place in chosen]).frame
        level = np.array([described[place].level for place in chosen])
        labels = _units(sold[chosen])

        def score(shown: Any) -> float:
            values = _units(level + head.models[0].predict(shown))
            return float(np.abs(values - labels).mean())

        return Examined(head.columns, frame, score, "MAE", False)


def examples(lags: Lags, histories: Histories, table: Table) -> tuple[list[Described], Floats]:
    """Every forecast that could be made for the days of a table, and the logarithm of its sales."""
    found: list[Described] = []
    sold: list[float] = []
    for inputs, label in zip(table.inputs(), table.labels.tolist(), strict=True):
        described = [one for one in lags.describe(histories, inputs) if one is not None]
        found += described
        sold += [float(np.log1p(label))] * len(described)
        lags.note(histories, inputs, label)
    return found, np.array(sold)


def _lags(project: Project, train: Table) -> Lags:
    """All inputs but those that name the series and the day, and those that name events."""
    told = [one for one in useful(train) if one.name not in ("series", "day")]
    calendar = getattr(project.model(), "calendar", None)
    usual = float(np.mean(np.log1p(train.labels.astype(float))))
    numbers = [one.name for one in told if not one.category]
    return Lags(numbers, [one.name for one in told if one.category], calendar, usual)


def _table(lags: Lags, described: Sequence[Described]) -> Table:
    frame = frame_of(lags.columns, [one.values for one in described])
    nothing = np.empty(len(frame), dtype=object)
    return Table(lags.columns, frame, nothing, np.zeros(len(frame)), nothing)


def _calibrate(head: ForecastHead, validation: Table) -> None:
    """Move bounds until they hold on the validation part, for each number of days ahead."""
    histories = OrderedDict(head.histories)
    described, sold = examples(head.lags, histories, validation)
    if not described:
        return
    ahead = np.array([one.ahead for one in described])
    off = sold - np.array([one.level for one in described])
    _, low, high = head.scaled(_table(head.lags, described).frame, ahead)
    for days in range(HORIZONS + 1):
        chosen = ahead == days
        if chosen.any():
            head.around[days] = (
                np.quantile((low - off)[chosen], TAILS[1]),
                np.quantile((off - high)[chosen], TAILS[1]),
            )


def _units(logarithm: Floats) -> Floats:
    return np.expm1(np.clip(logarithm, 0.0, LARGEST_LOG))

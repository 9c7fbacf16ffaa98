"""A regressor whose inputs multiply: each makes the answer so many times larger or smaller."""

from __future__ import annotations

from math import exp, log
from typing import Any

import numpy as np
from river import base

from flows.learning.models.effect_columns import EffectColumns, Missing
from flows.learning.models.effects import Effect
from flows.learning.models.entity_effect import EntityEffect
from flows.learning.models.faded_least_squares import FadedLeastSquares, Row
from flows.learning.models.moment import Moment

Name = base.typing.FeatureName

SMALLEST = 1e-9
FARTHEST = 30.0
BATCH = 64
HEAVIEST = 3.0
CLIP = 2.0
SLOWEST = 0.002
FEWEST_NEWS = 8
GROWTH = 0.05
DROPPED = 0.1
KEPT_AFTER_DRIFT = 0.01
"""How many events the sums of all that was before count for; coefficients are what is kept."""
FIRST_ERROR = 0.3
HEAD_START = 10


class MultiplicativeRegression(base.Regressor):
    """Regression of a positive target: scale times a product of learnt factors, one per effect.

    The logarithm of target / scale is a sum of coefficients, which are learnt anew by faded least
    squares each time the past has grown by 5 %, and of what is peculiar to the event's entity.
    Outliers count for less (Huber), and so do small predictions, for it is absolute errors that
    are to be small. By how much everything is off at the moment, whatever the reason, is added.

    Parameters
    ----------
    scale
        Input that the target is about proportional to; without it, or where it is missing, 1.
    effects
        What the other inputs may do.
    entity
        Input that names who or what has peculiarities of its own.
    memory
        How many events are remembered: older ones fade.
    most_cells
        How many coefficients there are at most; those used least are forgotten.
    most_entities
        How many entities are known at most; those not seen for longest are forgotten.
    longest_wait
        How many events may come before coefficients are learnt anew.
    """

    def __init__(
        self,
        scale: str | None = None,
        effects: tuple[Effect, ...] | None = None,
        entity: str | None = None,
        memory: float = 20_000,
        most_cells: int = 400,
        most_entities: int = 5000,
        longest_wait: int = 256,
    ) -> None:
        self.scale = scale
        self.effects = effects
        self.entity = entity
        self.memory = memory
        self.most_cells = most_cells
        self.most_entities = most_entities
        self.longest_wait = longest_wait
        known = effects or ()
        spreads = {effect.table: effect.spread for effect in known}
        self._squares = FadedLeastSquares(list(spreads.values()), memory)
        self._entities = EntityEffect(most_entities, memory=400)
        self._columns = EffectColumns(known)
        self._means = [0.0] * len(known)
        self._fresh: list[Row] = []
        self._moment = Moment()
        self._error = FIRST_ERROR
        self._level = 0.0
        self._scale_level = 0.0
        self._seen = 0
        self._since = 0
        self._next_fit = FEWEST_NEWS

    @classmethod
    def _unit_test_params(cls) -> Any:
        from flows.learning.models.effects import Category, Curve

        yield {
            "effects": (
                Curve("age", (0, 20, 40, 60, 80), table="age"),
                Category("gender", table="gender"),
            )
        }

    def predict_one(self, x: dict[Name, Any]) -> float:
        """Return the target's median, about; 0 before anything was learnt."""
        if not self._seen:
            return 0.0
        known = self._log_scale(x) + self._sum(x) + self._peculiar(x)
        return exp(min(known + self._moment.value, FARTHEST))

    @property
    def base_value(self) -> float:
        """The prediction, at the moment, for an event that is average in every respect."""
        usual = self._scale_level + self._squares.coefficients[0] + sum(self._means)
        return exp(usual + self._moment.value)

    def explain_one(self, x: dict[Name, Any]) -> dict[str, float]:
        """What each input adds to `base_value`, in the target's unit; adds up to the prediction."""
        said = self._contributions(x)
        if self.scale is not None:
            said[self.scale] = said.get(self.scale, 0.0) + self._log_scale(x) - self._scale_level
        if self.entity is not None:
            said[self.entity] = said.get(self.entity, 0.0) + self._peculiar(x)
        total, start = sum(said.values()), self.base_value
        unit = start * (exp(min(total, FARTHEST)) - 1) / total if abs(total) > SMALLEST else start
        return {name: unit * part for name, part in said.items()}

    def learn_one(self, x: dict[Name, Any], y: float) -> None:
        """Keep the event, and learn the coefficients anew when it is time."""
        log_scale, (columns, values, total) = self._log_scale(x), self._design(x)
        target = log(max(y, SMALLEST)) - log_scale
        self._seen += 1
        self._since += 1
        self._scale_level += (log_scale - self._scale_level) * self._rate
        weight, trust = self._weigh(target - total, x, log_scale + total)
        self._fresh.append((columns, values, target, weight * trust))
        if len(self._fresh) == BATCH or self._seen >= self._next_fit:
            self._squares.take(self._fresh)
            self._fresh.clear()
        if self._seen >= self._next_fit:
            self._fit()

    def on_drift(self) -> None:
        """Take what was learnt as a first guess, and learn anew how far each group is from it."""
        self._squares.begin_anew(min(1.0, KEPT_AFTER_DRIFT / max(self._squares.weight, SMALLEST)))
        self._error = max(self._error, FIRST_ERROR)
        self._since = 0
        self._next_fit = min(self._next_fit, self._seen + FEWEST_NEWS)

    def describe(self) -> dict[str, Any]:
        """Every coefficient as a factor, by the input that it belongs to."""
        coefficients = self._squares.coefficients
        factors = {
            table: [
                {"cell": _plain(cell), "factor": exp(coefficients[column])}
                for cell, column in columns.items()
            ]
            for table, columns in self._columns.tables.items()
        }
        return {"factors": factors, "base_value": self.base_value, "entities": len(self._entities)}

    @property
    def _rate(self) -> float:
        return max(SLOWEST, 1 / (self._since + HEAD_START))

    @property
    def _noise(self) -> float:
        return self._squares.noise

    def _log_scale(self, x: dict[Name, Any]) -> float:
        value = x.get(self.scale) if self.scale is not None else None
        return log(value) if value is not None and value > SMALLEST else 0.0

    def _sum(self, x: dict[Name, Any]) -> float:
        coefficients = self._squares.coefficients
        return coefficients[0] + self._columns.terms(x).sum(coefficients)[0]

    def _design(self, x: dict[Name, Any]) -> tuple[list[int], list[float], float]:
        """The columns of an event, missing ones made, their values, and the sum."""
        terms, coefficients = self._columns.terms(x), self._squares.coefficients
        if terms.missing and len(coefficients) < self.most_cells:
            self._make_cells(terms.missing)
            terms = self._columns.terms(x)
        total, lead = terms.sum(coefficients)
        plain, leading, following = terms.plain, terms.leading, terms.following
        columns = [0, *plain.columns, *leading.columns, *following.columns]
        values = [1.0, *plain.shares, *leading.shares, *(lead * one for one in following.shares)]
        return columns, values, coefficients[0] + total

    def _make_cells(self, missing: list[Missing]) -> None:
        for table, group, cell in missing:
            if len(self._squares.coefficients) < self.most_cells and cell not in table:
                table[cell] = self._squares.add_column(group)
        self._columns.moved()

    def _peculiar(self, x: dict[Name, Any]) -> float:
        entity = x.get(self.entity) if self.entity is not None else None
        return 0.0 if entity is None else self._entities.effect(entity, self._noise)

    def _weigh(self, residual: float, x: dict[Name, Any], log_sum: float) -> tuple[float, float]:
        """Take in an error; returns how much the event is to count, and how far to trust it."""
        peculiar, rate, limit = self._peculiar(x), self._rate, CLIP * self._error
        self._level += (log_sum - self._level) * rate
        weight = min(HEAVIEST, exp((log_sum - self._level) / 2))
        rest = abs(residual - peculiar)
        self._moment.learn(residual - peculiar)
        self._error += (min(rest, 2 * limit) - self._error) * rate
        self._squares.noise += (min(rest, limit) ** 2 - self._noise) * rate
        entity = x.get(self.entity) if self.entity is not None else None
        if entity is not None:
            clipped = max(-limit, min(residual - self._moment.value, limit))
            self._entities.learn(entity, clipped, weight, self._noise)
        return weight, min(1.0, limit / max(rest, SMALLEST))

    def _fit(self) -> None:
        if len(self._squares.coefficients) >= self.most_cells:
            self._forget_the_rarest()
        self._squares.fit()
        self._centre()
        news = int(GROWTH * min(self._seen, self._squares.weight))
        self._next_fit = self._seen + max(FEWEST_NEWS, min(news, self.longest_wait))

    def _forget_the_rarest(self) -> None:
        uses = self._squares.uses()[1:]
        rarest = np.sort(np.argsort(uses, kind="stable")[: int(DROPPED * len(uses))]) + 1
        self._squares.drop(rarest)
        gone = set(rarest.tolist())
        for table in self._columns.tables.values():
            kept = {cell: column for cell, column in table.items() if column not in gone}
            moved = np.searchsorted(rarest, list(kept.values()))
            table.clear()
            table.update(
                {
                    cell: column - int(up)
                    for (cell, column), up in zip(kept.items(), moved, strict=True)
                }
            )
        self._columns.moved()

    def _contributions(self, x: dict[Name, Any]) -> dict[str, float]:
        """Logarithm of the factor of each input beside its mean."""
        coefficients = self._squares.coefficients
        lead = self._columns.terms(x).sum(coefficients)[1]
        said: dict[str, float] = {}
        for (effect, table, _), mean in zip(self._columns.plan, self._means, strict=True):
            part = sum(
                share * coefficients[table[cell]]
                for cell, share in effect.cells(x)
                if cell in table
            )
            part *= lead if effect.follows else 1.0
            said[effect.label] = said.get(effect.label, 0.0) + part - mean
        return said

    def _centre(self) -> None:
        """Remember what each effect adds on average; those that share a table have equal parts."""
        terms = np.array(self._squares.coefficients) * self._squares.means
        groups = np.array([0, *(1 + group for group in self._squares.groups)])
        by_group = np.bincount(groups, terms, len(self._columns.tables) + 1)[1:]
        users = [group for _, _, group in self._columns.plan]
        self._means = [float(by_group[group] / users.count(group)) for group in users]


def _plain(cell: Any) -> Any:
    return list(cell) if isinstance(cell, tuple) else cell

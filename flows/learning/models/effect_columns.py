"""Which coefficients an event uses, by number, and how much of each."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from operator import mul
from typing import Any, NamedTuple

from flows.learning.models.effects import Cell, Effect, Features

Missing = tuple[dict[Any, int], int, Any]
"""Table, number of the table, name of the cell."""


class Share(NamedTuple):
    """Columns, and what each is multiplied by."""

    columns: list[int]
    shares: list[float]

    def sum(self, coefficients: list[float]) -> float:
        """Sum of the coefficients, each times its share."""
        parts = map(mul, map(coefficients.__getitem__, self.columns), self.shares)
        return float(sum(parts))


class Terms(NamedTuple):
    """What an event uses; `missing` are cells that have no column yet."""

    plain: Share
    leading: Share
    following: Share
    missing: list[Missing]

    def sum(self, coefficients: list[float]) -> tuple[float, float]:
        """The sum of all terms, and of those that lead."""
        lead = self.leading.sum(coefficients)
        following = self.following.sum(coefficients)
        return self.plain.sum(coefficients) + lead + lead * following, lead


class EffectColumns:
    """Numbers the cells of effects, and finds those of an event.

    Effects of equal `source` are asked once for their cells. The terms of the newest event are
    kept until its inputs or the columns are others: it is mostly predicted, then learnt.
    """

    def __init__(self, effects: Iterable[Effect]) -> None:
        effects = tuple(effects)
        self.tables: dict[str, dict[Any, int]] = {effect.table: {} for effect in effects}
        groups = {table: number for number, table in enumerate(self.tables)}
        self.plan = [
            (effect, self.tables[effect.table], groups[effect.table]) for effect in effects
        ]
        self._inputs = tuple(dict.fromkeys(name for one in effects for name in one.inputs))
        self._newest: tuple[tuple[Any, ...], Terms] | None = None
        by_source: dict[Hashable, list[tuple[int, dict[Any, int], int]]] = {}
        first: dict[Hashable, Effect] = {}
        for effect, table, group in self.plan:
            role = 1 if effect.leads else 2 if effect.follows else 0
            by_source.setdefault(effect.source, []).append((role, table, group))
            first.setdefault(effect.source, effect)
        self._asked = [(first[source], users) for source, users in by_source.items()]

    def terms(self, x: Features) -> Terms:
        """Find what an event uses."""
        inputs = tuple(map(x.get, self._inputs))
        newest = self._newest
        if newest is not None and newest[0] == inputs:
            return newest[1]
        found = self._find(x)
        self._newest = inputs, found
        return found

    def moved(self) -> None:
        """Take note that cells have got other columns."""
        self._newest = None

    def _find(self, x: Features) -> Terms:
        columns: tuple[list[int], ...] = ([], [], [])
        shares: tuple[list[float], ...] = ([], [], [])
        missing: list[Missing] = []
        for effect, users in self._asked:
            cells = effect.cells(x)
            for role, table, group in users:
                _look_up(cells, table, group, columns[role], shares[role], missing)
        parts = map(Share, columns, shares)
        return Terms(next(parts), next(parts), next(parts), missing)

    def __getstate__(self) -> dict[str, Any]:
        """The newest terms are no knowledge."""
        return {**vars(self), "_newest": None}


def _look_up(
    cells: list[Cell],
    table: dict[Any, int],
    group: int,
    columns: list[int],
    shares: list[float],
    missing: list[Missing],
) -> None:
    for cell, share in cells:
        column = table.get(cell)
        if column is None:
            missing.append((table, group, cell))
        else:
            columns.append(column)
            shares.append(share)

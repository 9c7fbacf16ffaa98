"""Cells have columns of their own, and terms are those of the inputs as they are now."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from flows.learning.models.effect_columns import EffectColumns, Terms
from flows.learning.models.effects import Category, Curve, Surface

EFFECTS = (
    Category(name="rush", table="rush", leads=True),
    Category(name="place", table="place"),
    Category(name="place", table="busy", follows=True),
    Curve(name="size", knots=(0, 10, 20), table="size"),
)
X = {"rush": "yes", "place": "centre", "size": 5.0}


@pytest.fixture
def columns() -> EffectColumns:
    """Columns 1 to 5: rush, place, busy, and both ends of a piece of the curve."""
    columns = EffectColumns(EFFECTS)
    for number, (table, _, cell) in enumerate(columns.terms(X).missing, start=1):
        table[cell] = number
    columns.moved()
    return columns


def column(columns: EffectColumns, table: str, cell: Any) -> int:
    return columns.tables[table][cell]


def test_new_cells_are_missing() -> None:
    missing = EffectColumns(EFFECTS).terms(X).missing
    assert {(group, cell) for _, group, cell in missing} == {
        (0, "yes"),
        (1, "centre"),
        (2, "centre"),
        (3, 0),
        (3, 1),
    }


def test_known_cells_are_found_by_role(columns: EffectColumns) -> None:
    terms = columns.terms(X)
    assert not terms.missing
    assert terms.leading.columns == [column(columns, "rush", "yes")]
    assert terms.following.columns == [column(columns, "busy", "centre")]
    assert terms.plain.shares == [1.0, 0.5, 0.5]


def test_what_leads_multiplies_what_follows(columns: EffectColumns) -> None:
    coefficients = [0.0] * 6
    coefficients[column(columns, "rush", "yes")] = 2.0
    coefficients[column(columns, "busy", "centre")] = 3.0
    coefficients[column(columns, "place", "centre")] = 5.0
    coefficients[column(columns, "size", 1)] = 8.0
    assert columns.terms(X).sum(coefficients) == (2 + 2 * 3 + 5 + 4, 2.0)


def test_terms_follow_an_input_that_was_changed_in_place(columns: EffectColumns) -> None:
    x: dict[str, Any] = dict(X)
    before = columns.terms(x)
    x["size"] = 10.0
    assert columns.terms(x).plain.shares == [1.0, 1.0]
    assert before.plain.shares == [1.0, 0.5, 0.5]


def test_terms_follow_columns_that_moved(columns: EffectColumns) -> None:
    columns.terms(X)
    columns.tables["rush"]["yes"] = 77
    columns.moved()
    assert columns.terms(X).leading.columns == [77]


def test_missing_inputs_have_no_terms(columns: EffectColumns) -> None:
    assert columns.terms({}) == Terms(([], []), ([], []), ([], []), [])  # type: ignore[arg-type]


def test_asking_leaves_no_trace_in_what_is_kept(columns: EffectColumns) -> None:
    columns.moved()
    before = pickle.dumps(columns)
    columns.terms(X)
    assert pickle.dumps(columns) == before


def test_a_copy_finds_the_same(columns: EffectColumns) -> None:
    assert copy.deepcopy(columns).terms(X) == columns.terms(X)


def test_equal_sources_are_asked_once() -> None:
    class Counting(Surface):
        __slots__ = ()
        asked = 0

        def cells(self, x: Any) -> Any:
            Counting.asked += 1
            return super().cells(x)

    both = [Counting(names=("a", "b"), step=(1.0, 1.0), table=table) for table in ("place", "rush")]
    missing = EffectColumns(both).terms({"a": 0.5, "b": 0.5}).missing
    assert Counting.asked == 1
    assert [group for _, group, _ in missing] == [0] * 4 + [1] * 4

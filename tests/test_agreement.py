"""Clusters against planted personas."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from scripts.agreement import Agreement
from tests.examples import VISITS, visit

PERSONAS = ("hunter", "gatherer")


def agreement(said: list[int], truth: list[dict[str, Any]]) -> Agreement:
    made = Agreement(VISITS_BY_ID)
    for number, (cluster, true) in enumerate(zip(said, truth, strict=True)):
        made.add(visit(number), true, SimpleNamespace(cluster=cluster))
    return made


VISITS_BY_ID = replace(VISITS, entity="visit_id")


def personas(count: int) -> list[dict[str, Any]]:
    return [{"persona": PERSONAS[number % 2]} for number in range(count)]


def test_clusters_under_other_names_agree_fully() -> None:
    assert agreement([7, 3] * 50, personas(100)).values() == {"AdjustedRand": 1.0}


def test_one_cluster_for_all_agrees_no_more_than_chance() -> None:
    assert agreement([1] * 100, personas(100)).values()["AdjustedRand"] == pytest.approx(0.0)


def test_what_comes_while_clusters_form_does_not_count() -> None:
    said = [1] * 10 + [7, 3] * 45
    assert agreement(said, personas(100)).values() == {"AdjustedRand": 1.0}


def test_only_the_last_word_on_an_entity_counts() -> None:
    made = agreement([1] * 100, personas(100))
    for number, true in enumerate(personas(100)):
        made.add(visit(number), true, SimpleNamespace(cluster=number % 2))
    assert made.values() == {"AdjustedRand": 1.0}


def test_without_personas_there_is_nothing_to_say() -> None:
    assert agreement([1, 2], [{}, {}]).values() == {}

"""Stability asks again, an hour later, about what was seen in the hour before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from river import base

from flows.learning.learner import Learner
from flows.learning.tasks.clustering import Clustering
from flows.projects.spec import Project
from scripts.stability import Stability
from tests.examples import START, VISITS, visit


class Turning(base.Clusterer):
    """Says 0 or 1 by size, and the reverse of it from the `turn`th example on."""

    def __init__(self, turn: int = 10**9) -> None:
        self.turn = turn
        self.seen = 0

    def learn_one(self, _: dict[Any, Any]) -> None:
        self.seen += 1

    def distances_one(self, x: dict[Any, Any]) -> dict[int, float]:
        low, high = abs(x["pages"]), abs(x["pages"] - 10)
        return {0: low, 1: high} if self.seen < self.turn else {0: high, 1: low}

    def predict_one(self, x: dict[Any, Any]) -> int:
        said = self.distances_one(x)
        return min(said, key=lambda one: said[one])


def project(turn: int = 10**9) -> Project:
    return replace(VISITS, task=Clustering(), label=None, model=lambda: Turning(turn))


def shares(one: Project, hours: int) -> list[float]:
    learner, stability = Learner.fresh(one), Stability(one)
    for number in range(10 * hours):
        time = START + 360.0 * number
        event = msgspec.structs.replace(visit(number, float(number % 2 * 10)), user_id=str(number))
        stability.add(learner, event, time)
        learner.observe(event, time)
    return stability.shares


def test_a_model_that_stays_the_same_is_stable() -> None:
    assert shares(project(), 4) == [1.0, 1.0]


def test_identities_that_are_swapped_are_noticed() -> None:
    assert shares(project(turn=15), 5) == [0.0, 1.0, 1.0]


def test_nothing_is_said_before_two_hours_have_passed() -> None:
    assert Stability(project()).values() == {}
    assert shares(project(), 2) == []


def test_values_are_the_mean_of_all_hours() -> None:
    stability = Stability(project())
    stability.shares = [1.0, 0.5]
    assert stability.values() == {"Stability": pytest.approx(0.75)}

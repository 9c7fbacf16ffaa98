from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from flows import projects
from flows.batch import offered
from flows.batch.order import part_of
from flows.errors import ProjectError
from flows.learning.tasks.binary import BinaryClassification
from tests.phishing import PROJECT


@pytest.mark.parametrize("slug", ["fraud", "eta", "interactions", "sales"])
def test_every_project_is_offered_models_and_diagnostics(slug: str) -> None:
    project = projects.get(slug)
    assert offered.candidates(project)
    assert offered.short(project)
    assert not set(offered.short(project)) & set(offered.long(project))


def test_a_project_of_ones_own_is_offered_what_its_task_has() -> None:
    assert offered.candidates(PROJECT) == offered.candidates(projects.get("fraud"))


def test_a_task_of_ones_own_is_refused_with_those_that_there_are() -> None:
    class Ranking(BinaryClassification):
        @property
        def name(self) -> str:
            return "ranking"

    with pytest.raises(ProjectError, match="'ranking'; there is for binary, multiclass"):
        offered.candidates(replace(PROJECT, task=Ranking()))


def test_progress_of_a_part_is_told_as_progress_of_the_whole() -> None:
    told: list[Any] = []
    part = part_of(lambda *one: told.append(one), 0.5, 0.75)
    for share in (0.0, 0.5, 1.0):
        part(share, "training")
    assert told == [(0.5, "training"), (0.625, "training"), (0.75, "training")]

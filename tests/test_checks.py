"""The contract suite over every project, a fifth one included, and over projects that break it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from river import dummy

from flows import projects
from flows.projects.spec import Project
from scripts import streams
from tests import checks, phishing
from tests.checks import Check, yield_checks
from tests.samples import Sample

EVENTS = 1_000
OWN: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {"phishing": phishing.values}
PROJECTS: list[Project] = [*projects.PROJECTS.values(), phishing.PROJECT]


@pytest.fixture(scope="module")
def sample(request: pytest.FixtureRequest) -> Sample:
    project: Project = request.param
    return sample_of(project)


def sample_of(project: Project) -> Sample:
    """Events of a project: its own, or those of its stream."""
    if project.slug in OWN:
        return Sample(project, list(islice(OWN[project.slug](), EVENTS)))
    profile = streams.default_profile(project.slug)
    return Sample(project, list(streams.events(project.slug, profile=profile, count=EVENTS)))


@pytest.mark.parametrize(
    ("sample", "check"),
    [
        pytest.param(project, check, id=f"{project.slug}-{check.__name__}")
        for project in PROJECTS
        for check in yield_checks(project)
    ],
    indirect=["sample"],
)
def test_project(sample: Sample, check: Check) -> None:
    check(sample)


SITES = sample_of(phishing.PROJECT)


def breaking(**changes: Any) -> Sample:
    return Sample(replace(phishing.PROJECT, **changes), SITES.values)


def leaking(site: phishing.Site) -> dict[str, Any]:
    return {**phishing.features(site), "hint": site.is_phishing}


def forgetful(site: phishing.Site) -> dict[str, Any]:
    return {**phishing.features(site), "luck": random.random()}


class Sticky:
    """Remembers what it was only asked about."""

    def __init__(self) -> None:
        self.seen = 0

    def recall(self, event: Any) -> dict[str, Any]:  # noqa: ARG002
        self.seen += 1
        return {"seen": self.seen}

    def note(self, event: Any) -> None:
        """Nothing."""


class Growing(dummy.PriorClassifier):
    """Keeps all that it learns."""

    def learn_one(self, x: Any, y: Any, **kwargs: Any) -> None:  # noqa: ARG002
        super().learn_one(x, y)
        self.kept = [*getattr(self, "kept", []), random.Random(self.n).randbytes(10_000)]


class Shy(dummy.PriorClassifier):
    """Says nothing of what it has not seen."""

    def predict_proba_one(self, x: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        raise KeyError(x)


@pytest.mark.parametrize(
    ("check", "broken"),
    [
        (checks.check_no_forbidden_inputs, breaking(features=leaking)),
        (checks.check_no_forbidden_inputs, breaking(forbidden_inputs=frozenset({"https"}))),
        (checks.check_features_do_not_change_the_event, breaking(features=forgetful)),
        (checks.check_features_do_not_change_the_event, breaking(past=Sticky)),
        (checks.check_predicting_does_not_change_the_learner, breaking(past=Sticky)),
        (checks.check_the_same_events_make_the_same_bytes, breaking(features=forgetful)),
        (checks.check_state_is_bounded, breaking(model=Growing)),
        (checks.check_metrics_and_report_are_json, breaking(score="Beauty")),
    ],
)
def test_a_broken_promise_is_found(check: Check, broken: Sample) -> None:
    with pytest.raises(AssertionError):
        check(broken)


@pytest.mark.parametrize(
    "check", [checks.check_predicts_before_learning, checks.check_unknown_categories]
)
def test_a_model_that_fails_is_found(check: Check) -> None:
    with pytest.raises(KeyError):
        check(breaking(model=Shy))


def test_an_event_without_help_texts_is_found() -> None:
    class Bare(phishing.Site, frozen=True, kw_only=True):
        nameless: float = 0.0

    with pytest.raises(AssertionError):
        checks.check_a_form_makes_events(breaking(event=Bare))


def test_the_fifth_project_is_one_short_file() -> None:
    assert len(Path(phishing.__file__).read_text().splitlines()) <= 120

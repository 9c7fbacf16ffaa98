"""Every project through the API and onto its page, as its file describes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from api.events import example
from dashboard.client import Client
from dashboard.feed import Snapshot
from dashboard.store import Store
from dashboard.views.project import ProjectPage
from flows import projects
from flows.learning.learner import Learner
from flows.projects.spec import Project
from scripts.local.ports import free_port
from tests import phishing
from tests.api_parts import Served, local, serving
from tests.samples import Sample
from tests.test_checks import sample_of

PROJECTS: list[Project] = [*projects.PROJECTS.values(), phishing.PROJECT]
LEARNT = 900


@pytest.fixture(scope="module", params=PROJECTS, ids=lambda project: project.slug)
def sample(request: pytest.FixtureRequest) -> Sample:
    return sample_of(request.param)


@pytest.fixture(scope="module")
def learner(sample: Sample) -> Learner:
    return sample.learner(LEARNT)


@pytest.fixture(scope="module")
def served(sample: Sample, learner: Learner, redis_url: str, unique: Any) -> Iterator[Served]:
    slug = unique(sample.project.slug)
    with serving(local(redis_url), slug, sample.project) as running:
        running.publish(Learner(running.project, learner.state))
        yield running


def test_the_answer_is_the_learners(served: Served, sample: Sample, learner: Learner) -> None:
    value = sample.values[LEARNT]
    answer = served.client.post(f"{served.url}/predict", json=value)
    assert answer.status_code == 200, answer.text
    event = sample.unlabelled(sample.event(value))
    predictor, task = learner.state.predictor, sample.project.task
    said = task.answer(predictor.model, sample.project.inputs(event, predictor.past))
    assert answer.json()["prediction"] == msgspec.to_builtins(said)
    assert answer.json()["reasons"] is None or answer.json()["reasons"]


def test_the_example_of_the_documentation_is_an_event(served: Served) -> None:
    """Of an entity that nobody has seen, a model may have nothing to say yet."""
    answer = served.client.post(f"{served.url}/predict", json=example(served.project))
    assert answer.status_code in (200, 503), answer.text


def test_metrics_and_report_are_served(served: Served, learner: Learner) -> None:
    told = served.get("/metrics").json()
    assert told["metrics"] == pytest.approx(learner.state.metrics.values())
    assert told["report"].keys() == learner.state.report.keys()


def test_the_form_has_every_field_but_those_that_nobody_knows(
    served: Served, sample: Sample
) -> None:
    paths = {field["path"].partition(".")[0] for field in served.get().json()["form"]}
    assert paths == set(sample.project.event.__struct_encode_fields__) - {*sample.project.hidden}


def test_the_page_shows_what_the_api_says(served: Served, sample: Sample) -> None:
    page = ProjectPage(sample.project, Store(Client(f"http://127.0.0.1:{free_port()}")))
    page.open()
    detail, metrics = served.get().json(), served.get("/metrics").json()
    history = served.get("/metrics/history").json()["points"]
    page.snapshot = Snapshot(project=detail, metrics=metrics, history=history)
    page.predict.answer = served.client.post(
        f"{served.url}/predict", json=sample.values[LEARNT]
    ).json()
    assert page.live.kpis.tiles.values[sample.project.score]
    assert page.predict._shown.box.visible
    page.__panel__().get_root()

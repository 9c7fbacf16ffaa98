"""Projects: what they name exists, and what nobody could know is no input."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flows import projects
from flows.errors import ProjectError
from flows.projects.spec import Project
from tests.examples import VISITS


@pytest.mark.parametrize("role", ["event_id", "entity", "time", "label"])
def test_a_role_of_a_field_that_is_not_there_is_refused(role: str) -> None:
    with pytest.raises(ProjectError) as caught:
        replace(VISITS, **{role: "nothing"})  # type: ignore[arg-type]
    message = str(caught.value)
    assert f"visits: {role}='nothing'" in message
    assert "visit_id" in message


def test_topics_are_named_after_the_project() -> None:
    assert VISITS.labels_topic == "visits_labels"
    assert VISITS.dead_letters_topic == "visits_dead_letters"


def test_an_unknown_project_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ProjectError, match=r"no project 'frauds'; known: .*fraud"):
        projects.get("frauds")


@pytest.mark.parametrize("slug", projects.PROJECTS)
def test_a_project_is_found_by_its_slug(slug: str) -> None:
    assert projects.get(slug).slug == slug


def test_topics_do_not_collide() -> None:
    known: list[Project] = list(projects.PROJECTS.values())
    names = [
        name for one in known for name in (one.topic, one.labels_topic, one.dead_letters_topic)
    ]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("slug", projects.PROJECTS)
def test_queries_read_the_view_of_their_project(slug: str) -> None:
    project = projects.get(slug)
    assert project.queries
    for query in project.queries:
        assert f"FROM {slug}" in query.sql
        assert query.title

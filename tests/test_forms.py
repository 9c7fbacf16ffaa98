"""Forms: one field per value of an event, and random values that are events."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Annotated

import msgspec
import pytest

from flows import projects
from flows.projects.forms import FormField, about, form_fields, random_event


class Inner(msgspec.Struct):
    deep: Annotated[float, about("How deep", unit="m", ge=0, le=10, typical=(1, 2))]


class Everything(msgspec.Struct):
    key: Annotated[str, about("Its key", generated=True)]
    when: datetime
    colour: Annotated[str, about("Its colour", choices=("red", "blue"))]
    inner: Inner
    sure: bool
    note: str
    size: Annotated[int, about("How many", ge=1, le=3)]
    label: Annotated[int, about("The truth")] | None = None


def fields() -> dict[str, FormField]:
    return {field.path: field for field in form_fields(Everything, hidden=["label"])}


def test_every_value_is_a_field_in_the_order_of_the_event() -> None:
    assert list(fields()) == ["key", "when", "colour", "inner.deep", "sure", "note", "size"]


def test_the_kind_follows_the_type() -> None:
    kinds = [field.kind for field in fields().values()]
    assert kinds == ["id", "time", "choice", "number", "boolean", "text", "integer"]


def test_a_field_tells_what_people_need() -> None:
    assert fields()["inner.deep"] == FormField(
        path="inner.deep",
        label="Inner deep",
        kind="number",
        help="How deep",
        unit="m",
        minimum=0,
        maximum=10,
        typical=(1, 2),
    )
    assert fields()["colour"].choices == ("red", "blue")
    assert fields()["note"].help == ""


def test_an_optional_field_is_a_field_like_any_other() -> None:
    (label,) = [field for field in form_fields(Everything) if field.path == "label"]
    assert (label.kind, label.help) == ("integer", "The truth")


def test_choices_do_not_restrict_what_a_stream_may_bring() -> None:
    value = {"key": "k", "when": "2026-01-01T00:00:00Z", "colour": "green", "inner": {"deep": 1}}
    msgspec.convert({**value, "sure": True, "note": "", "size": 1}, Everything)


def test_random_values_lie_where_most_do() -> None:
    rng = random.Random(0)
    drawn = [random_event(Everything, rng, hidden=["label"]) for _ in range(50)]
    assert {one["colour"] for one in drawn} == {"red", "blue"}
    assert {one["size"] for one in drawn} == {1, 2, 3}
    assert all(1 <= one["inner"]["deep"] <= 2 for one in drawn)
    assert len({one["key"] for one in drawn}) == 50
    assert "label" not in drawn[0]


@pytest.mark.parametrize("slug", projects.PROJECTS)
def test_random_values_are_events_of_the_project(slug: str) -> None:
    project = projects.get(slug)
    rng = random.Random(0)
    for _ in range(100):
        value = random_event(project.event, rng, hidden=project.hidden)
        event = msgspec.json.decode(msgspec.json.encode(value), type=project.event)
        assert project.features(event)


@pytest.mark.parametrize("slug", projects.PROJECTS)
def test_every_field_of_a_project_has_a_help_text(slug: str) -> None:
    for field in form_fields(projects.get(slug).event):
        assert field.help, field.path

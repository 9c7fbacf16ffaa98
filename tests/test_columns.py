"""Columns of the lake, from the types of structs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
import pyarrow as pa
import pytest
from msgspec import Meta

from flows import projects
from flows.errors import ProjectError
from flows.stores.columns import TIMESTAMP, columns

Small = Annotated[int, Meta(ge=0, le=10)]


class Point(msgspec.Struct):
    x: float
    y: Annotated[float, Meta(ge=0)]


class Thing(msgspec.Struct, rename={"renamed": "in_json"}):
    name: str
    at: datetime
    point: Point
    renamed: bool
    size: Small
    nearest: Point | None = None
    label: Small | None = None


def test_columns_are_named_and_typed_as_the_json() -> None:
    point = pa.struct({"x": pa.float64(), "y": pa.float64()})
    assert columns(Thing) == pa.schema(
        [
            ("name", pa.string()),
            ("at", TIMESTAMP),
            ("point", point),
            ("in_json", pa.bool_()),
            ("size", pa.int64()),
            ("nearest", point),
            ("label", pa.int64()),
        ]
    )


@pytest.mark.parametrize("kind", [list[int], dict[str, str], bytes, Any, set[str]])
def test_a_type_without_column_is_refused_by_name(kind: Any) -> None:
    struct = msgspec.defstruct("Odd", [("tags", kind)])
    with pytest.raises(ProjectError, match="'tags'"):
        columns(struct)


def test_a_type_without_column_is_found_in_nested_structs() -> None:
    inner = msgspec.defstruct("Inner", [("tags", list[int])])
    with pytest.raises(ProjectError, match="'tags'"):
        columns(msgspec.defstruct("Outer", [("inner", inner)]))


@pytest.mark.parametrize(
    "bounds", [{}, {"ge": 0}, {"le": 10}, {"gt": 0}, {"ge": -(2**63), "le": 0}]
)
def test_an_int_that_may_not_fit_is_refused(bounds: dict[str, Any]) -> None:
    struct = msgspec.defstruct("Odd", [("size", Annotated[int, Meta(**bounds)])])
    with pytest.raises(ProjectError, match="'size'"):
        columns(struct)


@pytest.mark.parametrize("bounds", [{"gt": -1, "lt": 10}, {"ge": -(2**63) + 1, "le": 2**63 - 1}])
def test_an_int_that_fits_is_taken(bounds: dict[str, Any]) -> None:
    struct = msgspec.defstruct("Even", [("size", Annotated[int, Meta(**bounds)])])
    assert columns(struct).types == [pa.int64()]


@pytest.mark.parametrize("slug", projects.PROJECTS)
def test_every_project_has_columns_for_events_and_predictions(slug: str) -> None:
    project = projects.get(slug)
    assert columns(project.event).names == list(project.event.__struct_fields__)
    assert columns(project.task.prediction).names

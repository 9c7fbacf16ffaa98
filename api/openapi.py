"""The API's own description: msgspec types as schemas, one predict operation per project."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api import answers, inference
from api.events import MOST_EVENTS, EventReader, example
from api.problems import MEDIA_TYPE, Problem
from flows.projects.spec import Project

PREDICT = "/projects/{project}/predict"
_REFERENCE = "#/components/schemas/{name}"


def returns(kind: type[msgspec.Struct], status: int = 200) -> dict[int | str, dict[str, Any]]:
    """Describe what a route answers with when all goes well."""
    content = {"application/json": {"schema": _reference(kind.__name__)}}
    return {status: {"description": inspect.getdoc(kind) or "", "content": content}}


def returns_either(*kinds: type[msgspec.Struct]) -> dict[int | str, dict[str, Any]]:
    """Describe a route that answers with one of several types."""
    schema = {"anyOf": [_reference(kind.__name__) for kind in kinds]}
    description = inspect.getdoc(kinds[0]) or ""
    return {200: {"description": description, "content": {"application/json": {"schema": schema}}}}


def returns_list(kind: type[msgspec.Struct]) -> dict[int | str, dict[str, Any]]:
    """Describe a route that answers with a list."""
    schema = {"type": "array", "items": _reference(kind.__name__)}
    description = inspect.getdoc(kind) or ""
    return {200: {"description": description, "content": {"application/json": {"schema": schema}}}}


def returns_object(description: str) -> dict[int | str, dict[str, Any]]:
    """Describe a route that answers with an object whose fields depend on the project."""
    content = {"application/json": {"schema": {"type": "object"}}}
    return {200: {"description": description, "content": content}}


def accepts(kind: type[msgspec.Struct], *, required: bool = True) -> dict[str, Any]:
    """Describe the body a route reads by itself."""
    return {"requestBody": {**_body(_reference(kind.__name__)), "required": required}}


def operation_id(route: APIRoute) -> str:
    """Name an operation like its function, so that generated clients stay stable."""
    return route.name


def describe(
    app: FastAPI, projects: Mapping[str, Project], bodies: list[type[msgspec.Struct]]
) -> dict[str, Any]:
    """Make the OpenAPI document."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.clear()
    schemas |= _schemas(projects, bodies)
    _expand_predict(document["paths"], projects)
    for path in document["paths"].values():
        for operation in path.values():
            _advertise_problems(operation)
    return document


def _schemas(projects: Mapping[str, Project], bodies: list[type[msgspec.Struct]]) -> dict[str, Any]:
    found = {**vars(answers), **vars(inference)}.values()
    structs = [item for item in found if _is_struct(item)]
    events = [project.event for project in projects.values()]
    kinds = [*structs, *bodies, *events, Problem]
    references, schemas = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    named = dict(zip(kinds, references, strict=True))
    for project in projects.values():
        name = named[project.event]["$ref"].rpartition("/")[2]
        _without_label(schemas[name], project)
    return schemas


def _is_struct(item: object) -> bool:
    return isinstance(item, type) and issubclass(item, msgspec.Struct)


def _without_label(schema: dict[str, Any], project: Project) -> None:
    filled_in = {*EventReader(project).made_up, *project.unknown}
    for name in project.unknown:
        schema["properties"].pop(name, None)
    schema["required"] = [name for name in schema["required"] if name not in filled_in]


def _expand_predict(paths: dict[str, Any], projects: Mapping[str, Project]) -> None:
    """Show an operation per project, each with its own event, where there is one route."""
    template = paths.pop(PREDICT)
    for slug, project in projects.items():
        operation = copy.deepcopy(template["post"])
        operation["operationId"] = f"predict_{slug}"
        operation["summary"] = f"Predict: {project.title}"
        event = _reference(project.event.__name__)
        events = {"type": "array", "items": event, "minItems": 1, "maxItems": MOST_EVENTS}
        operation["requestBody"] = _body({"anyOf": [event, events]}, example(project))
        operation["parameters"] = [
            item for item in operation.get("parameters", []) if item["name"] != "project"
        ]
        paths[PREDICT.format(project=slug)] = {"post": operation}


def _advertise_problems(operation: dict[str, Any]) -> None:
    operation["responses"].pop("422", None)
    operation["responses"]["default"] = {
        "description": "A problem, as RFC 9457 describes it",
        "content": {MEDIA_TYPE: {"schema": _reference(Problem.__name__)}},
    }


def _body(schema: dict[str, Any], sample: Any = None) -> dict[str, Any]:
    media = {"schema": schema} | ({} if sample is None else {"example": sample})
    return {"required": True, "content": {"application/json": media}}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(name=name)}

"""The projects that this installation knows: the modules here, and those that settings name."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from flows.errors import ProjectError
from flows.projects.spec import Project
from flows.settings import project_modules


class Registry(UserDict[str, Project]):
    """Projects by slug, found when first asked for."""

    def __init__(self) -> None:
        self._found: dict[str, Project] | None = None

    @property
    def data(self) -> dict[str, Project]:  # type: ignore[override]
        """What was found."""
        if self._found is None:
            self._found = {project.slug: project for project in _find()}
        return self._found


PROJECTS = Registry()


def get(slug: str) -> Project:
    """Look a project up. Raises ProjectError with the known slugs."""
    try:
        return PROJECTS[slug]
    except KeyError:
        raise ProjectError(f"no project {slug!r}; known: {', '.join(PROJECTS)}") from None


def _find() -> Iterator[Project]:
    """Every module here that has a PROJECT, then those that REALTIME_PROJECTS names."""
    for found in iter_modules(__path__):
        if not found.name.startswith("_"):
            module = import_module(f"{__name__}.{found.name}")
            if hasattr(module, "PROJECT"):
                yield _project(module)
    for name in project_modules():
        try:
            yield _project(import_module(name))
        except ImportError as error:
            raise ProjectError(
                f"REALTIME_PROJECTS names {name}, which cannot be imported: {error}"
            ) from error


def _project(module: ModuleType) -> Project:
    project = getattr(module, "PROJECT", None)
    if not isinstance(project, Project):
        raise ProjectError(f"{module.__name__} has no PROJECT; see flows/projects/fraud.py for one")
    return project

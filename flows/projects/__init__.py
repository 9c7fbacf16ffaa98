"""The projects that this installation knows."""

from __future__ import annotations

from flows.errors import ProjectError
from flows.projects import fraud
from flows.projects.spec import Project

PROJECTS: dict[str, Project] = {project.slug: project for project in (fraud.PROJECT,)}


def get(slug: str) -> Project:
    """Look a project up. Raises ProjectError with the known slugs."""
    try:
        return PROJECTS[slug]
    except KeyError:
        raise ProjectError(f"no project {slug!r}; known: {', '.join(PROJECTS)}") from None

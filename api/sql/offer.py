"""What an installation offers for queries, and within which limits."""

from __future__ import annotations

from collections.abc import Mapping

from api.sql.messages import Setup, Views
from api.sql.pool import Pool
from flows.projects.spec import Project
from flows.settings import Settings

PROCESS_MB = 700
"""What a process takes beside the memory of its queries."""


def pool(settings: Settings, projects: Mapping[str, Project]) -> Pool:
    """Make the pool in which queries run; nothing is started before the first."""
    return Pool(setup(settings, projects), settings.sql_workers, settings.sql_waiting)


def setup(settings: Settings, projects: Mapping[str, Project]) -> Setup:
    """What each process is told."""
    return Setup(
        lake=settings.lake_uri,
        options=settings.storage_options,
        views=[_views(project) for project in projects.values()],
        seconds=settings.sql_seconds,
        memory=settings.sql_memory_mb,
        room=settings.sql_memory_mb * 2 + PROCESS_MB,
        threads=settings.sql_threads,
        temp="",
        temp_size=settings.sql_temp_mb,
    )


def _views(project: Project) -> Views:
    return Views(
        slug=project.slug,
        topic=project.topic,
        event_id=project.event_id,
        time=project.time,
        label=project.label,
    )

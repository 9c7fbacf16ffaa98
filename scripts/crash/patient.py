"""A flow that lets far more predictions wait than a project would, so that its state is large."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flows import projects
from flows.streaming import dataflow

PENDING = 200_000
ENTRY = "scripts.crash.patient:flow('{slug}')"
"""What Bytewax is to run instead of `flows.<slug>`."""


def flow(slug: str) -> Any:
    """The project's own flow, but for how much may wait."""
    return dataflow.serve(replace(projects.get(slug), max_pending=PENDING))

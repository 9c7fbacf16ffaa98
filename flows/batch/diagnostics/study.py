"""A trained model with all its data, to be looked at for longer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flows.batch.order import Progress
from flows.batch.table import Parts, Table
from flows.batch.task import BatchTask, Json
from flows.projects.spec import Project


@dataclass(frozen=True, slots=True)
class Study:
    """`name` is the candidate's; `table` is all of what `parts` are parts of."""

    project: Project
    task: BatchTask
    name: str
    head: Any
    table: Table
    parts: Parts


Long = Callable[[Study, Progress], Json]

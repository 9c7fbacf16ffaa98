"""Lakes to train on, written as flows write them, and what is trained on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from flows.learning.learner import Learner
from flows.projects.spec import Label, Project
from flows.settings import Settings
from flows.stores.lake import LakeTable
from flows.streaming.learn import learn
from flows.streaming.messages import Source
from flows.streaming.rows import EventRows, OutcomeRows
from scripts import streams
from tests.polls import decoded


def drawn(project: Project, count: int, **options: Any) -> list[Any]:
    """Events of a generated stream."""
    found = streams.events(project.slug, count=count, **options)
    return [msgspec.convert(value, project.event) for value in found]


def lake(folder: Path, project: Project, events: Sequence[Any], late: bool = False) -> Settings:
    """Let a learner take events, labels with them or all afterwards, into a lake."""
    settings = Settings(_env_file=None, lake_uri=str(folder), signing_key="a key for lakes")
    learner = Learner.fresh(project, lineage=7)
    bare, labels = list(events), list[Label]()
    if late and project.label is not None:
        bare = [msgspec.structs.replace(one, **{project.label: None}) for one in events]
        labels = [
            Label(getattr(one, project.event_id), getattr(one, project.label), one.timestamp)
            for one in events
            if getattr(one, project.label) is not None
        ]
    polls = [learn(learner, decoded(Source(project.topic, 0), bare))]
    if labels:
        polls.append(learn(learner, decoded(Source(project.labels_topic, 0), labels)))
    events_made, outcomes_made = EventRows(project), OutcomeRows(project)
    told = [events_made.table(one, one.events) for one in polls if one.events]
    _write(LakeTable(settings, project.topic, events_made.schema), told)
    told = [outcomes_made.table(one, one.outcomes) for one in polls if one.outcomes]
    _write(LakeTable(settings, f"{project.topic}_outcomes", outcomes_made.schema), told)
    return settings


def _write(table: LakeTable, parts: Sequence[Any]) -> None:
    """One commit each."""
    table.watermark("tests")
    for number, rows in enumerate(parts):
        table.commit(table.stage(rows), {"tests": number - 1}, {"tests": number})

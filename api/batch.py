"""What is asked and told about batch learning; times are ISO 8601 in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from api.answers import Score, moment
from flows.stores.jobs import Job

LARGEST_NUMBER = 2**31
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Rows = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Number = Annotated[int, Meta(ge=1, le=LARGEST_NUMBER)]


class NewJob(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be done: train a model, or make one of a model's diagnostics.

    Training takes the newest `rows` that have labels, or those `since` a time, all of them without
    either; `model` is one of the candidates, without it all are trained and the best one wins.
    `diagnostic` is one that takes long, of the version of that number or else of the newest model.
    """

    kind: Literal["train", "diagnose"] = "train"
    rows: Rows | None = None
    since: Annotated[datetime, Meta(tz=True)] | None = None
    model: Name | None = None
    diagnostic: Name | None = None
    version: Number | None = None


class BatchJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job. `state` is queued, running, done, failed or cancelled; `progress` from 0 to 1.

    `reason`: why it failed. `result`: the number of the version, or the diagnostic's name.
    `cancelling`: its worker has yet to end it.
    """

    id: str
    project: str
    kind: str
    order: dict[str, Any]
    state: str
    progress: float
    stage: str
    reason: str
    result: str
    cancelling: bool
    created: datetime
    started: datetime | None
    ended: datetime | None

    @classmethod
    def of(cls, job: Job) -> BatchJob:
        return cls(
            id=job.id,
            project=job.project,
            kind=job.kind,
            order=job.order,
            state=job.state,
            progress=job.progress,
            stage=job.stage,
            reason=job.reason,
            result=job.result,
            cancelling=job.cancelling,
            created=moment(job.created),
            started=None if job.started is None else moment(job.started),
            ended=None if job.ended is None else moment(job.ended),
        )


class BatchJobs(msgspec.Struct, frozen=True, kw_only=True):
    """The newest jobs of a project, newest first, and what can be ordered.

    `workers`: how many there are to do jobs; without one they wait. `waiting`: jobs of all
    projects that do.
    """

    jobs: list[BatchJob]
    workers: int
    waiting: int
    candidates: tuple[str, ...]
    diagnostics: tuple[str, ...]


class BatchModel(msgspec.Struct, frozen=True, kw_only=True):
    """The model that was trained in a batch, as it is registered.

    `metrics` are those of the newest fifth of its rows, which it has not been trained on;
    `candidates` what each scored on the fifth before that. `data`: versions of the tables that were
    read; `first` and `last`: times of the rows. `seconds`: how long training took. `notes`: what is
    particular to the kind of model. `online`: metrics that the model which learns has by now, on
    all of its events.
    """

    project: str
    version: int
    name: str
    score: Score | None
    metrics: dict[str, float]
    candidates: dict[str, dict[str, float]]
    rows: int
    first: datetime | None
    last: datetime | None
    data: dict[str, Any]
    created: datetime
    seconds: float
    run_id: str
    notes: dict[str, Any]
    online: dict[str, float]


class DiagnosticState(msgspec.Struct, frozen=True):
    """A picture of a model. `long`: made by a job when somebody asks; `ready`: it is there."""

    name: str
    long: bool
    ready: bool


class Diagnostics(msgspec.Struct, frozen=True, kw_only=True):
    """What can be shown of the batch model of that version."""

    version: int
    diagnostics: list[DiagnosticState]


STRUCTS: list[type[msgspec.Struct]] = [
    NewJob,
    BatchJob,
    BatchJobs,
    BatchModel,
    DiagnosticState,
    Diagnostics,
]

"""What the API answers with, as types; times are ISO 8601 in UTC unless said otherwise."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from fastapi import Response

from api.analytics.charted import ChartFigures
from api.analytics.figures import Profile
from api.sql.messages import SqlAnswer, SqlColumn, SqlTable, SqlTables, TableVersion
from flows.learning.batch_challenger import Duel
from flows.learning.contest import Standing
from flows.learning.coverage import Coverage
from flows.projects.forms import FormField
from flows.stores.live import Point, Wanted
from flows.stores.predictions import Scores
from flows.stores.production import ProducerStatus, StreamChange

__all__ = [
    "ChartFigures",
    "Profile",
    "SqlAnswer",
    "SqlColumn",
    "SqlTable",
    "SqlTables",
    "TableVersion",
]
"""What SQL and analyses answer with, described beside the rest."""


class Json(Response):
    """Anything msgspec can encode; never to be kept by caches."""

    media_type = "application/json"

    def __init__(self, content: Any, status_code: int = 200) -> None:
        super().__init__(content, status_code, {"Cache-Control": "no-store"})

    def render(self, content: Any) -> bytes:
        return msgspec.json.encode(content)


class Score(msgspec.Struct, frozen=True):
    """The metric by which a project's models are compared."""

    name: str
    value: float


class QueryText(msgspec.Struct, frozen=True):
    """A SQL text to start from."""

    title: str
    sql: str


class QueryTexts(msgspec.Struct, frozen=True):
    """SQL texts to start from, for one project."""

    queries: list[QueryText]


class ProjectSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a project is; `score` names a metric."""

    slug: str
    title: str
    summary: str
    task: str
    topic: str
    score: str


class ProjectList(msgspec.Struct, frozen=True):
    """Every project of this installation."""

    projects: list[ProjectSummary]


class ServingModel(msgspec.Struct, frozen=True, kw_only=True):
    """The model that answers predictions now; `bytes` is its length when sent."""

    version: str
    alias: str
    source: str
    lineage: int
    generation: int
    events_learned: int
    published_at: datetime
    age_seconds: float
    bytes: int


class ProjectDetail(msgspec.Struct, frozen=True, kw_only=True):
    """What a project is and how it is doing.

    `state` is running, paused, stale (a model, but no heartbeat of its flow) or absent (no model
    yet); `lag` is how many messages the flow has yet to read, `labels` how many predictions got
    theirs.
    """

    slug: str
    title: str
    summary: str
    task: str
    topic: str
    form: list[FormField]
    queries: list[QueryText]
    shard: int
    shards: int
    state: str
    wanted: Wanted
    model: ServingModel | None
    score: Score | None
    metrics: dict[str, float]
    counts: dict[str, int]
    events_per_second: float | None
    lag: int | None
    alarms: list[dict[str, Any]]
    labels: Coverage | None
    problems: list[str]


class MetricsNow(msgspec.Struct, frozen=True, kw_only=True):
    """Test-then-train metrics of the model that serves, with its report.

    `challengers` are those of the models learnt beside it, by name, `contests` how they stand
    against the one that `leads`; `event_time` is the newest event's own. `served`: by model,
    metrics of the predictions that were given over HTTP and whose label has come, however it came;
    as of some seconds ago. `batch`: how what leads fares against the batch model, on the same
    events.
    """

    events_learned: int
    version: str
    published_at: datetime
    age_seconds: float
    event_time: datetime | None
    metrics: dict[str, float]
    challengers: dict[str, dict[str, float]]
    contests: dict[str, Standing]
    leads: str
    batch: Duel | None
    report: dict[str, Any]
    counts: dict[str, int]
    served: Scores


class History(msgspec.Struct, frozen=True):
    """Metrics over time, oldest first; `time` is seconds since 1970."""

    points: list[Point]


class PredictingModel(msgspec.Struct, frozen=True, kw_only=True):
    """The model that made a prediction.

    `alias`: live, champion, the name of a challenger, or the number of a version that was asked
    for. `number`: of its version, when it came from the registry."""

    version: str
    alias: str
    number: int | None
    source: str
    lineage: int
    events_learned: int
    published_at: datetime
    age_seconds: float


class PredictionMade(msgspec.Struct, frozen=True, kw_only=True):
    """A prediction. `reasons`: the features that mattered most, by contribution; null when the
    model cannot say."""

    prediction_id: str
    event_id: str
    project: str
    prediction: dict[str, Any]
    reasons: dict[str, float] | None
    model: PredictingModel


class PredictionsMade(msgspec.Struct, frozen=True):
    """Predictions of several events or models: event by event, models in the order asked for."""

    predictions: list[PredictionMade]


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What an event consists of. `made_up`: fields that are filled in where they are missing;
    `entity`: those that together name what the event is about."""

    project: str
    fields: list[FormField]
    event_id: str
    entity: tuple[str, ...]
    time: str
    made_up: tuple[str, ...]


class LabelAccepted(msgspec.Struct, frozen=True):
    """Where Kafka put a label."""

    event_id: str
    topic: str
    partition: int
    offset: int


class RegisteredModel(msgspec.Struct, frozen=True, kw_only=True):
    """A version in the MLflow registry. `offsets`: the last message taken in, by log."""

    version: int
    aliases: list[str]
    events_learned: int
    score: Score | None
    created: datetime
    lineage: int
    generation: int
    metrics: dict[str, float]
    offsets: dict[str, int]


class RegisteredModels(msgspec.Struct, frozen=True):
    """A project's versions, newest first."""

    models: list[RegisteredModel]


class Training(msgspec.Struct, frozen=True):
    """What the flow is told to do; a paused flow does not poll, so nothing is lost."""

    wanted: Wanted


class ProducerNow(msgspec.Struct, frozen=True):
    """What the producer last said of itself; null when there is none, or it is silent."""

    status: ProducerStatus | None


class StreamChanges(msgspec.Struct, frozen=True):
    """What changed in the generated stream, oldest first."""

    changes: list[StreamChange]


class ProducerTold(msgspec.Struct, frozen=True):
    """The place of a command among those of the producer."""

    place: str


class Check(msgspec.Struct, frozen=True):
    """One part's health: ok, warning or failing."""

    name: str
    status: str
    detail: str = ""


class Health(msgspec.Struct, frozen=True):
    """Whether the API can do its work."""

    status: str
    checks: list[Check]


def moment(seconds: float) -> datetime:
    """Make a time of seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)

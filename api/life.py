"""What is asked and told about a model's life; times are ISO 8601 in UTC unless said otherwise."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.answers import Score, moment
from flows.learning.contest import Standing
from flows.learning.coverage import Coverage
from flows.learning.state import Change
from flows.stores.live import Facts, Wanted

Text = Annotated[str, Meta(min_length=1, max_length=500)]
LARGEST_NUMBER = 2**31
Number = Annotated[int, Meta(ge=1, le=LARGEST_NUMBER)]


class Rollback(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who wants to go back, and why; without a version to the champion before this one.

    The flow reads its topics again from where that version had come to. With `skip` it goes on
    where it is, and what came since is never learnt.
    """

    who: Text
    why: Text
    version: Number | None = None
    skip: bool = False


class Promotion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who wants what to lead, and why: either a registered version or a challenger.

    A version is where a flow begins that has lost its state. A challenger takes the champion's
    place in the running flow; `previous` is the former champion.
    """

    who: Text
    why: Text
    version: Number | None = None
    challenger: Text | None = None


class ChangeTold(msgspec.Struct, frozen=True, kw_only=True):
    """A promotion or rollback; `state` is waiting, done or refused, `detail` the reason why not.

    `events_learned`: by the learner that went on; null before it has.
    """

    number: int
    kind: str
    state: str
    who: str
    why: str
    time: datetime
    version: int | None
    challenger: str | None
    skip: bool
    events_learned: int | None
    detail: str = ""

    @classmethod
    def of(cls, change: Change, state: str, detail: str = "") -> ChangeTold:
        values = msgspec.structs.asdict(change) | {"time": moment(change.time)}
        return cls(**values, state=state, detail=detail)


class ChangeHistory(msgspec.Struct, frozen=True):
    """All that is known of promotions and rollbacks, newest first; `problems`: what is missing."""

    changes: list[ChangeTold]
    problems: list[str]


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One version's metrics on the compared events; `learnt`: how many it had learnt before."""

    version: int
    events_learned: int
    learnt: int
    score: Score | None
    mean_error: float | None
    metrics: dict[str, float]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two versions asked for the same events, the newest with a label that the lake has.

    `unseen`: events that neither had learnt; where these are enough, no others were asked for.
    `t`: of the paired differences of errors, positive where `b` errs less. `truncated`: the time
    ran out before all were asked.
    """

    a: Side
    b: Side
    events: int
    unseen: int
    first: datetime | None
    last: datetime | None
    t: float | None
    truncated: bool


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What metrics and model say beyond numbers: matrices, curves, clusters and their features."""

    version: str
    events_learned: int
    published_at: datetime
    report: dict[str, Any]
    leads: str
    previous: str
    contests: dict[str, Standing]
    challengers: dict[str, dict[str, float]]


class Alarms(msgspec.Struct, frozen=True, kw_only=True):
    """The newest drift alarms, oldest first; `count` of all. Their `time`: seconds since 1970."""

    count: int
    events_learned: int
    published_at: datetime
    alarms: list[dict[str, Any]]


class LabelCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """How many predictions get their label, and how long that takes, in seconds."""

    events_learned: int
    published_at: datetime
    labels: Coverage | None


class FactsNow(msgspec.Struct, frozen=True, kw_only=True):
    """What a page wants to know of a running project; sent whenever any of it changes.

    `state` and `wanted` as in a project's description; `changed`: promotions and rollbacks so far.
    """

    time: datetime
    state: str
    wanted: Wanted
    version: str | None
    events_learned: int | None
    published_at: datetime | None
    metrics: dict[str, float]
    counts: dict[str, int]
    labels: Coverage | None
    events_per_second: float | None
    lag: int | None
    changed: int


class AllTraining(msgspec.Struct, frozen=True):
    """What each flow is told to do."""

    projects: dict[str, Wanted]


def facts_or_nothing(facts: Facts | None) -> dict[str, Any]:
    """The part of FactsNow that a model knows of."""
    return {
        "version": facts.version if facts else None,
        "events_learned": facts.events_learned if facts else None,
        "published_at": moment(facts.published_at) if facts else None,
        "metrics": facts.metrics if facts else {},
        "counts": facts.counts if facts else {},
        "labels": facts.labels if facts else None,
        "changed": facts.changed if facts else 0,
    }


STRUCTS: list[type[msgspec.Struct]] = [
    Rollback,
    Promotion,
    ChangeTold,
    ChangeHistory,
    Side,
    Comparison,
    Report,
    Alarms,
    LabelCoverage,
    FactsNow,
    AllTraining,
]

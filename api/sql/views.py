"""What can be queried of each project: views over its Delta tables.

`<slug>`: events, their predictions, and the label and the error as they are known now.
`<slug>_events`: events as they came, `<slug>_predictions`: what was predicted of them,
`<slug>_outcomes`: what became of predictions, `<slug>_labels`: the labels among that.
"""

from __future__ import annotations

from dataclasses import dataclass

from api.sql.lake import File, Lake, Snapshot
from api.sql.messages import TableVersion, Views
from api.sql.newest import Newest
from flows.stores.lake import PARTITION

OUTCOME_TIME = "kafka_time"
PLACE = ("kafka_time", "kafka_partition", "kafka_offset")
LABEL_STATUS = "label_status"
KNOWN = ("matched", "expired")
"""Outcomes of which an event has at most one."""

ERROR = "prediction_error"
"""Of an event whose label came later it is in the outcomes."""

PREDICTED = ["events_learned", "model_lineage"]
LABELS = ["event_id", "label", "status", "delay_seconds", "kafka_time", "date"]

SUMMARIES = {
    "": "Events with their predictions, and the label and the error as they are known now",
    "_events": "Events as they came, with their predictions",
    "_predictions": "Predictions, by event",
    "_outcomes": "What became of each prediction and label",
    "_labels": "Labels, by event",
}


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables behind one project's views; `outcomes` is None where there are no labels."""

    of: Views
    events: Snapshot
    outcomes: Snapshot | None

    @property
    def snapshots(self) -> list[Snapshot]:
        """Both, or the one there is."""
        return [self.events] if self.outcomes is None else [self.events, self.outcomes]

    def kinds(self) -> dict[str, list[TableVersion]]:
        """Which views there are, by the ends of their names, and what each reads."""
        events = [self.events.version]
        kinds = {"": [each.version for each in self.snapshots]}
        kinds |= {"_events": events, "_predictions": events}
        if self.outcomes is not None:
            outcomes = [self.outcomes.version]
            kinds |= {"_outcomes": outcomes, "_labels": outcomes}
        return kinds


@dataclass(frozen=True, slots=True)
class FirstRows:
    """So many rows of a project's view decide the answer; columns to order by, which are never
    null, with whether they descend."""

    orders: list[tuple[str, bool]]
    count: int
    by_time: bool


def first_rows(of: Tables, newest: Newest | None, most: int) -> FirstRows | None:
    """What a query for a few rows of a project's own view asks for; None for any other."""
    if newest is None or newest.view != of.of.slug.lower():
        return None
    never_null = [of.of.event_id, of.of.time, PARTITION, *PLACE]
    columns = {name.lower(): name for name in never_null}
    count = newest.count(most)
    if count is None or any(name not in columns for name, _ in newest.orders):
        return None
    orders = [(columns[name], down) for name, down in newest.orders]
    return FirstRows(orders, count, orders[:1] == [(of.of.time, True)])


def files_of(events: Snapshot, first: FirstRows | None) -> list[File]:
    """The files that can hold a row of the answer."""
    return events.newest(first.count) if first and first.by_time else events.files


def names(views: list[Views]) -> dict[str, tuple[Views, str]]:
    """Every name that may be queried, with its project and kind."""
    return {
        f"{of.slug}{kind}".lower(): (of, kind)
        for of in views
        for kind in SUMMARIES
        if of.label is not None or kind not in ("_outcomes", "_labels")
    }


def tables(lake: Lake, of: Views) -> Tables | None:
    """Open a project's tables; None before a flow has made them."""
    events = lake.snapshot(of.topic, of.time, of.label)
    if events is None:
        return None
    outcomes = None
    if of.label is not None:
        outcomes = lake.snapshot(f"{of.topic}_outcomes", OUTCOME_TIME)
    return Tables(of, events, outcomes)

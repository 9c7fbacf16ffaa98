"""What can be queried of each project: views over its Delta tables.

`<slug>`: events, their predictions, and the label as it is known now.
`<slug>_events`: events as they came, `<slug>_predictions`: what was predicted of them,
`<slug>_outcomes`: what became of predictions, `<slug>_labels`: the labels among that.
"""

from __future__ import annotations

from dataclasses import dataclass

from api.sql.lake import Lake, Snapshot
from api.sql.messages import TableVersion, Views

OUTCOME_TIME = "kafka_time"
LABEL_STATUS = "label_status"
KNOWN = ("matched", "expired")
"""Outcomes of which an event has at most one."""

PREDICTED = ["events_learned", "model_lineage"]
LABELS = ["event_id", "label", "status", "delay_seconds", "kafka_time", "date"]

SUMMARIES = {
    "": "Events with their predictions, and the label as it is known now",
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

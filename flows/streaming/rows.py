"""What a flow learnt, as rows of the lake's two tables.

`<topic>`: every event with the prediction made for it. `<topic>_outcomes`: every label and every
prediction that got none. Both carry the coordinates of the message that caused the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from flows.learning.learner import Outcome
from flows.projects.spec import Project
from flows.stores.columns import TIMESTAMP, columns
from flows.stores.lake import PARTITION
from flows.streaming.messages import EventRow, Learned, OutcomeRow

COORDINATES = pa.schema(
    [
        ("kafka_log", pa.string()),
        ("kafka_topic", pa.string()),
        ("kafka_partition", pa.int32()),
        ("kafka_offset", pa.int64()),
        ("kafka_time", TIMESTAMP),
        ("model_lineage", pa.int64()),
        ("events_learned", pa.int64()),
    ]
)
OUTCOME = pa.schema(
    [
        ("event_id", pa.string()),
        ("status", pa.string()),
        ("label", pa.float64()),
        ("error", pa.float64()),
        ("delay_seconds", pa.float64()),
    ]
)


class EventRows:
    """Makes rows of events and predictions."""

    def __init__(self, project: Project) -> None:
        self._time = project.time
        self._event = columns(project.event)
        self._prediction = columns(project.task.prediction)
        self.schema = pa.schema(
            [
                *(column.field() for column in self._event),
                *(column.field("prediction_") for column in self._prediction),
                *COORDINATES,
                (PARTITION, pa.date32()),
            ]
        )

    def table(self, learned: Learned, rows: Sequence[EventRow]) -> pa.Table:
        """One row an event, partitioned by the day of the event."""
        events = [row.event for row in rows]
        predictions = [row.prediction for row in rows]
        arrays = [column.array(events) for column in self._event]
        day = arrays[[column.name for column in self._event].index(self._time)]
        arrays += [column.array(predictions) for column in self._prediction]
        arrays += _coordinates(learned, rows, [row.events_learned for row in rows])
        return pa.table([*arrays, day.cast(pa.date32())], schema=self.schema)


class OutcomeRows:
    """Makes rows of what became of predictions and labels."""

    def __init__(self, project: Project) -> None:
        self._prediction = columns(project.task.prediction)
        self.schema = pa.schema(
            [
                *OUTCOME,
                *(column.field("prediction_") for column in self._prediction),
                *COORDINATES,
                (PARTITION, pa.date32()),
            ]
        )

    def table(self, learned: Learned, rows: Sequence[OutcomeRow]) -> pa.Table:
        """One row an outcome, partitioned by the day of the message that settled it."""
        outcomes = [row.outcome for row in rows]
        arrays = [_values(outcomes, field) for field in OUTCOME]
        predictions = [outcome.prediction for outcome in outcomes]
        arrays += [column.array(predictions) for column in self._prediction]
        coordinates = _coordinates(learned, rows, [one.events_learned for one in outcomes])
        day = coordinates[COORDINATES.get_field_index("kafka_time")].cast(pa.date32())
        return pa.table([*arrays, *coordinates, day], schema=self.schema)


def _values(outcomes: Sequence[Outcome], field: pa.Field) -> pa.Array:
    return pa.array([getattr(outcome, field.name) for outcome in outcomes], field.type)


def _coordinates(
    learned: Learned, rows: Sequence[EventRow | OutcomeRow], events_learned: list[Any]
) -> list[pa.Array]:
    source, count = learned.source, len(rows)
    seconds = pa.array([row.time for row in rows], pa.float64())
    return [
        pa.repeat(learned.identity, count),
        pa.repeat(source.topic, count),
        pa.repeat(pa.scalar(source.partition, pa.int32()), count),
        pa.array([row.offset for row in rows], pa.int64()),
        pc.multiply(seconds, 1e6).cast(pa.int64(), safe=False).cast(TIMESTAMP),
        pa.repeat(learned.lineage, count),
        pa.array(events_learned, pa.int64()),
    ]

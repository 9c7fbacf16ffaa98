"""What a flow learnt, as rows of the lake's two tables.

`<topic>`: every event with the prediction made for it, and its error if the label came with it.
`<topic>_outcomes`: every label, and every prediction that got none, by the id of the event. Both
carry the coordinates of the message that caused the row, and are partitioned by the day on which
it came: events of many days, from a stream read late, would make a file for each.

Rows go to Arrow as lines of JSON: both encoder and reader are compiled, and the reader, the larger
part, runs beside the learner because it does not hold the interpreter's lock.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

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
    ]
)
ERROR = "prediction_error"
LABELS = {float: pa.float64(), str: pa.string()}

_encode_lines = msgspec.json.Encoder().encode_lines


class EventRows:
    """Makes rows of events and predictions."""

    def __init__(self, project: Project) -> None:
        event, prediction = columns(project.event), columns(project.task.prediction)
        self._lines = pa.schema(
            [
                ("offset", pa.int64()),
                ("time", pa.float64()),
                ("event", pa.struct(list(event))),
                ("prediction", pa.struct(list(prediction))),
                ("error", pa.float64()),
                ("events_learned", pa.int64()),
            ]
        )
        self._error = [] if project.label is None else ["error"]
        self.schema = pa.schema(
            [
                *event,
                *_prefixed(prediction),
                *[(ERROR, pa.float64()) for _ in self._error],
                ("events_learned", pa.int64()),
                *COORDINATES,
                (PARTITION, pa.date32()),
            ]
        )

    def table(self, learned: Learned, rows: Sequence[EventRow]) -> pa.Table:
        """One row an event; prediction columns are null where there was none."""
        read = _read(rows, self._lines)
        coordinates = _coordinates(learned, read)
        return pa.table(
            [
                *read["event"].flatten(),
                *read["prediction"].flatten(),
                *[read[name] for name in self._error],
                read["events_learned"],
                *coordinates,
                _day(coordinates),
            ],
            schema=self.schema,
        )


class OutcomeRows:
    """Makes rows of what became of predictions."""

    def __init__(self, project: Project) -> None:
        self._outcome = _outcome(LABELS[project.task.label])
        self._lines = pa.schema([("offset", pa.int64()), ("time", pa.float64()), *self._outcome])
        self.schema = pa.schema([*self._outcome, *COORDINATES, (PARTITION, pa.date32())])

    def table(self, learned: Learned, rows: Sequence[OutcomeRow]) -> pa.Table:
        """One row an outcome."""
        read = _read(rows, self._lines)
        outcome = [read[name] for name in self._outcome.names]
        coordinates = _coordinates(learned, read)
        return pa.table([*outcome, *coordinates, _day(coordinates)], schema=self.schema)


def _outcome(label: pa.DataType) -> pa.Schema:
    return pa.schema(
        [
            ("event_id", pa.string()),
            ("status", pa.string()),
            ("label", label),
            ("error", pa.float64()),
            ("delay_seconds", pa.float64()),
            ("events_learned", pa.int64()),
        ]
    )


def _prefixed(prediction: pa.Schema) -> list[pa.Field]:
    return [field.with_name(f"prediction_{field.name}") for field in prediction]


def _read(
    rows: Sequence[EventRow] | Sequence[OutcomeRow], schema: pa.Schema
) -> dict[str, pa.Array]:
    lines = _encode_lines(rows)
    table = pa.json.read_json(
        pa.BufferReader(lines),
        read_options=pa.json.ReadOptions(use_threads=False, block_size=len(lines)),
        parse_options=pa.json.ParseOptions(explicit_schema=schema),
    )
    return {name: table[name].combine_chunks() for name in schema.names}


def _coordinates(learned: Learned, read: dict[str, pa.Array]) -> list[pa.Array]:
    source, count = learned.source, len(read["offset"])
    microseconds = pc.round(pc.multiply(read["time"], 1e6)).cast(pa.int64())
    return [
        pa.repeat(learned.identity, count),
        pa.repeat(source.topic, count),
        pa.repeat(pa.scalar(source.partition, pa.int32()), count),
        read["offset"],
        microseconds.cast(TIMESTAMP),
        pa.repeat(learned.lineage, count),
    ]


def _day(coordinates: list[pa.Array]) -> pa.Array:
    return coordinates[COORDINATES.get_field_index("kafka_time")].cast(pa.date32())

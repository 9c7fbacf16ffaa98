"""Rows as JSON, CSV or Arrow."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.ipc

from api.sql.messages import Query, Rows, SqlAnswer, SqlColumn, TableVersion

_json = msgspec.json.Encoder(decimal_format="number", enc_hook=str)


def encode(
    columns: list[SqlColumn],
    rows: pa.Table,
    query: Query,
    tables: list[TableVersion],
    elapsed_ms: float,
) -> Rows:
    """Encode what a query found: at most as many rows as it asked for."""
    kept = rows.slice(0, query.limit)
    truncated = rows.num_rows > query.limit
    answer = SqlAnswer(
        engine=query.engine,
        columns=columns,
        rows=[] if query.format == "arrow" else list(_values(kept)),
        row_count=kept.num_rows,
        truncated=truncated,
        elapsed_ms=elapsed_ms,
        tables=tables,
    )
    encoders = {"json": _json.encode, "csv": _csv}
    return Rows(
        body=_arrow(kept) if query.format == "arrow" else encoders[query.format](answer),
        row_count=kept.num_rows,
        truncated=truncated,
        elapsed_ms=elapsed_ms,
        tables=tables,
    )


def _values(rows: pa.Table) -> Iterator[list[Any]]:
    """Row by row, since names of columns may repeat."""
    return map(list, zip(*(_column(column) for column in rows.columns), strict=True))


def _column(column: pa.ChunkedArray) -> list[Any]:
    try:
        values: list[Any] = column.to_pylist()
    except (OverflowError, ValueError):  # times that Python has no type for
        values = column.cast(pa.string()).to_pylist()
    return [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    """What is no JSON number becomes null."""
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    return value


def _csv(answer: SqlAnswer) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([column.name for column in answer.columns])
    writer.writerows([_cell(value) for value in row] for row in answer.rows)
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    """A text, a number or a truth as it is; null as nothing; anything else as JSON has it."""
    if value is None or isinstance(value, str | int | float):
        return value
    text = _json.encode(value).decode()
    return msgspec.json.decode(text) if text.startswith('"') else text


def _arrow(rows: pa.Table) -> bytes:
    out = io.BytesIO()
    with pyarrow.ipc.new_stream(out, rows.schema) as stream:
        stream.write_table(rows)
    return out.getvalue()

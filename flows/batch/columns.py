"""Collects inputs, chunk by chunk, into columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from flows.batch.table import Column, Objects, Table, framed, is_category, numbers, texts


class TableBuilder:
    """Takes in labelled inputs; memory is that of finished columns and of one chunk."""

    def __init__(self) -> None:
        self._chunks: list[dict[str, Any]] = []
        self._sizes: list[int] = []
        self._labels: list[Any] = []
        self._times: list[float] = []
        self._keys: list[str] = []
        self._names: dict[str, bool] = {}

    def add(
        self,
        inputs: Sequence[Mapping[str, Any]],
        labels: Sequence[Any],
        times: Sequence[float],
        keys: Sequence[str],
    ) -> None:
        """Take in a chunk."""
        names = dict.fromkeys(name for one in inputs for name in one)
        chunk: dict[str, Any] = {}
        for name in names:
            values = [one.get(name) for one in inputs]
            category = is_category(values)
            self._names[name] = self._names.get(name, False) or category
            chunk[name] = texts(values) if category else numbers(values)
        self._chunks.append(chunk)
        self._sizes.append(len(inputs))
        self._labels += labels
        self._times += times
        self._keys += keys

    def table(self) -> Table:
        """All rows in order of time; those of the same time in the order in which they came."""
        times = np.array(self._times, dtype=float)
        columns = tuple(Column(name, category) for name, category in self._names.items())
        frame = framed(columns, [self._column(one) for one in columns])
        table = Table(columns, frame, _objects(self._labels), times, _objects(self._keys))
        return table.take(np.argsort(times, kind="stable"))

    def _column(self, column: Column) -> Any:
        parts = [
            _part(chunk.get(column.name), size, column.category)
            for chunk, size in zip(self._chunks, self._sizes, strict=True)
        ]
        return np.concatenate(parts) if parts else np.empty(0)


def _part(values: Any | None, size: int, category: bool) -> Any:
    if values is None:
        values = np.full(size, np.nan)
    return texts(values.tolist()) if category and values.dtype != object else values


def _objects(values: Sequence[Any]) -> Objects:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found

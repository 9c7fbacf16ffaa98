"""Events as columns, and predictions as columns: one tensor per field, of shape [n].

Nested fields have dotted names. A field that is not known is null, where the protocol has nothing
to say; so is a part of a prediction that was not made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from math import prod
from typing import Any, cast

import msgspec
from fastapi import HTTPException
from msgspec.inspect import (
    BoolType,
    FloatType,
    IntType,
    Metadata,
    NoneType,
    StructType,
    Type,
    UnionType,
    type_info,
)

from api.answers import PredictionMade
from api.bodies import InvalidBody
from api.events import MOST_EVENTS, EventReader
from api.inference import RequestTensor, ResponseTensor, TensorFacts
from flows.projects.forms import FormField, Kind, form_fields
from flows.projects.spec import Project

EVENT = "event"
OF_KIND: dict[Kind, str] = {"number": "FP64", "integer": "INT64", "boolean": "BOOL"}
SIZES = ("8", "16", "32", "64")
NUMBERS = {*("FP16", "FP32", "FP64"), *(f"{sign}INT{size}" for sign in ("", "U") for size in SIZES)}
VARIABLE = [-1]
ALWAYS = ("prediction_id", "event_id", "reasons")


class Tensors:
    """Translates for one project."""

    def __init__(self, project: Project, reader: EventReader) -> None:
        self._reader = reader
        fields = form_fields(project.event, hidden=project.unknown)
        self._datatypes = {field.path: OF_KIND.get(field.kind, "BYTES") for field in fields}
        self._shown = [field for field in fields if field.path not in project.hidden]
        self._outputs = dict(_leaves(project.task.answers))

    @property
    def inputs(self) -> list[TensorFacts]:
        """What may be sent: a tensor for each field, or one of JSON texts."""
        told = "A whole event each, as a JSON text; instead of all others"
        whole = TensorFacts(EVENT, "BYTES", VARIABLE, {"optional": True, "help": told})
        return [*map(self._input, self._shown), whole]

    @property
    def outputs(self) -> list[TensorFacts]:
        """What is sent back."""
        datatypes = self._outputs | dict.fromkeys(ALWAYS, "BYTES")
        return [TensorFacts(name, kind, VARIABLE, {}) for name, kind in datatypes.items()]

    def events(self, tensors: Sequence[RequestTensor]) -> list[Any]:
        """Make events. Raises InvalidBody, or HTTPException 400 for tensors that do not fit."""
        if not tensors:
            raise HTTPException(400, f"no inputs; send {EVENT}, or a tensor for each field")
        columns = {tensor.name: _column(tensor) for tensor in tensors}
        lengths = {len(column) for column in columns.values()}
        if len(lengths) > 1 or len(columns) < len(tensors):
            raise HTTPException(400, "inputs must be different ones, all of the same shape")
        if not 0 < (length := lengths.pop()) <= MOST_EVENTS:
            raise HTTPException(400, f"{length} events; send 1 to {MOST_EVENTS}")
        if EVENT in columns:
            return self._whole(columns)
        self._check(tensors)
        return self._reader.events([_row(columns, number) for number in range(length)])

    def predictions(
        self, made: Sequence[PredictionMade], wanted: Sequence[str] | None
    ) -> list[ResponseTensor]:
        """Make tensors, those that are wanted or all. Raises HTTPException 400."""
        datatypes = self._outputs | dict.fromkeys(ALWAYS, "BYTES")
        unknown = [name for name in wanted or () if name not in datatypes]
        if unknown:
            raise HTTPException(400, f"no output {unknown[0]!r}; known: {', '.join(datatypes)}")
        return [
            ResponseTensor(name, [len(made)], datatypes[name], [_said(one, name) for one in made])
            for name in (datatypes if wanted is None else wanted)
        ]

    def _input(self, field: FormField) -> TensorFacts:
        optional = {"optional": True} if field.path in self._reader.made_up else {}
        told = {**optional, "help": field.help}
        return TensorFacts(field.path, self._datatypes[field.path], VARIABLE, told)

    def _whole(self, columns: dict[str, list[Any]]) -> list[Any]:
        if len(columns) > 1:
            raise HTTPException(400, f"send {EVENT} alone, or a tensor for each field")
        return self._reader.events([_object(text) for text in columns[EVENT]])

    def _check(self, tensors: Sequence[RequestTensor]) -> None:
        for tensor in tensors:
            wanted = self._datatypes.get(tensor.name)
            if wanted is None:
                known = ", ".join([*self._datatypes, EVENT])
                raise HTTPException(400, f"no input {tensor.name!r}; known: {known}")
            fits = tensor.datatype in NUMBERS if wanted in NUMBERS else tensor.datatype == wanted
            if not fits:
                raise HTTPException(400, f"{tensor.name}: {tensor.datatype}; send {wanted}")


def _column(tensor: RequestTensor) -> list[Any]:
    """The values of a tensor of shape [n] or [n, 1], flat or nested."""
    data = tensor.data
    if len(tensor.shape) == 2 and all(isinstance(row, list) for row in data):
        data = [value for row in data for value in row]
    columns = tensor.shape[1:]
    if not tensor.shape or columns not in ([], [1]) or prod(tensor.shape) != len(data):
        shape = f"shape {tensor.shape} with {len(data)} values"
        raise HTTPException(400, f"{tensor.name}: {shape}; send [n] with n values")
    return data


def _row(columns: dict[str, list[Any]], number: int) -> dict[str, Any]:
    """One event as the nested object that Kafka would carry."""
    values: dict[str, Any] = {}
    for name, column in columns.items():
        *parents, last = name.split(".")
        place = values
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = column[number]
    return values


def _object(text: Any) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError):
        raise InvalidBody(EVENT, "is no JSON text; send an event as one") from None


def _said(made: PredictionMade, name: str) -> Any:
    if name == "reasons":
        return msgspec.json.encode(made.reasons).decode()
    if name in ALWAYS:
        return getattr(made, name)
    value: Any = made.prediction
    for part in name.split("."):
        value = None if value is None else getattr(value, part)
    return value


@cache
def _leaves(kind: type[msgspec.Struct]) -> tuple[tuple[str, str], ...]:
    """Every value of a struct by its dotted name, with its datatype."""
    return tuple(_walk(cast(StructType, type_info(kind)), ""))


def _walk(info: StructType, prefix: str) -> Iterator[tuple[str, str]]:
    for field in info.fields:
        kind, path = _bare(field.type), f"{prefix}{field.name}"
        if isinstance(kind, StructType):
            yield from _walk(kind, f"{path}.")
        else:
            yield path, _datatype(kind)


def _bare(kind: Type) -> Type:
    """Look through optional types and annotations."""
    if isinstance(kind, Metadata):
        return _bare(kind.type)
    if isinstance(kind, UnionType):
        return _bare(next(one for one in kind.types if not isinstance(one, NoneType)))
    return kind


def _datatype(kind: Type) -> str:
    if isinstance(kind, BoolType):
        return "BOOL"
    if isinstance(kind, IntType):
        return "INT64"
    return "FP64" if isinstance(kind, FloatType) else "BYTES"

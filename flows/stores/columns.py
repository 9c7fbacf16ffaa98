"""Structs as Arrow columns, so that rows are written in the types that events have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec
import pyarrow as pa
from msgspec.inspect import (
    BoolType,
    DateTimeType,
    FloatType,
    IntType,
    Metadata,
    NoneType,
    StrType,
    StructType,
    Type,
    UnionType,
    type_info,
)

from flows.errors import ProjectError

TIMESTAMP = pa.timestamp("us", tz="UTC")

_ARROW: dict[type[Type], pa.DataType] = {
    StrType: pa.string(),
    FloatType: pa.float64(),
    IntType: pa.int64(),
    BoolType: pa.bool_(),
    DateTimeType: TIMESTAMP,
}


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a struct; `children` are the columns of a nested struct."""

    name: str
    type: pa.DataType
    children: tuple[Column, ...] = ()

    def array(self, values: Sequence[Any]) -> pa.Array:
        """Build the column from structs; a struct that is None gives null."""
        name = self.name
        items = [None if value is None else getattr(value, name) for value in values]
        if not self.children:
            return pa.array(items, self.type)
        absent = pa.array([item is None for item in items])
        arrays = [child.array(items) for child in self.children]
        return pa.StructArray.from_arrays(arrays, fields=list(self.type), mask=absent)

    def field(self, prefix: str = "") -> pa.Field:
        """The column's place in a schema."""
        return pa.field(f"{prefix}{self.name}", self.type)


def columns(struct: type[msgspec.Struct]) -> tuple[Column, ...]:
    """The columns of a struct, in its order. Raises ProjectError for a type that has none."""
    info = cast(StructType, type_info(struct))
    return tuple(_column(field.name, _bare(field.type)) for field in info.fields)


def _column(name: str, kind: Type) -> Column:
    if isinstance(kind, StructType):
        children = columns(kind.cls)
        return Column(name, pa.struct([child.field() for child in children]), children)
    if type(kind) not in _ARROW:
        raise ProjectError(
            f"field {name!r} has type {kind}, which has no column type;"
            " use str, int, float, bool, datetime or a nested struct"
        )
    return Column(name, _ARROW[type(kind)])


def _bare(kind: Type) -> Type:
    """The type without its annotations and without None."""
    if isinstance(kind, Metadata):
        return _bare(kind.type)
    if isinstance(kind, UnionType):
        kinds = [option for option in kind.types if not isinstance(option, NoneType)]
        return _bare(kinds[0])
    return kind

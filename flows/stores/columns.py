"""Which Arrow columns the fields of a struct become."""

from __future__ import annotations

from typing import cast

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
_LARGEST = 2**63 - 1


def columns(struct: type[msgspec.Struct]) -> pa.Schema:
    """The columns of a struct, named as in its JSON; nested structs stay nested.

    Raises ProjectError for a type without a column type, and for an int that may not fit.
    """
    info = cast(StructType, type_info(struct))
    return pa.schema([(one.encode_name, _type(one.encode_name, one.type)) for one in info.fields])


def _type(name: str, kind: Type) -> pa.DataType:
    bare = _bare(kind)
    if isinstance(bare, StructType):
        return pa.struct(list(columns(bare.cls)))
    if isinstance(bare, IntType):
        _check_bounds(name, bare)
    if type(bare) not in _ARROW:
        raise ProjectError(
            f"field {name!r} has type {bare}, which has no column type;"
            " use str, int, float, bool, datetime or a nested struct"
        )
    return _ARROW[type(bare)]


def _check_bounds(name: str, kind: IntType) -> None:
    low = kind.ge if kind.ge is not None else kind.gt
    high = kind.le if kind.le is not None else kind.lt
    if low is None or high is None or low < -_LARGEST or high > _LARGEST:
        raise ProjectError(
            f"field {name!r} is an int without bounds, and a column holds 64 bits;"
            " annotate it with ge and le"
        )


def _bare(kind: Type) -> Type:
    """The type without its annotations and without None."""
    if isinstance(kind, Metadata):
        return _bare(kind.type)
    if isinstance(kind, UnionType):
        kinds = [option for option in kind.types if not isinstance(option, NoneType)]
        return _bare(kinds[0])
    return kind

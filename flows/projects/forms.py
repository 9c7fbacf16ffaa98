"""What people see of an event: one form field per value, read off the event's own types."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, cast

import msgspec
from msgspec import Meta
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

Kind = Literal["number", "integer", "boolean", "choice", "text", "id", "time"]


class FormField(msgspec.Struct, frozen=True):
    """One input: `path` is dotted for nested values, `typical` is where most values lie."""

    path: str
    label: str
    kind: Kind
    help: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    typical: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()


def about(
    description: str,
    *,
    unit: str = "",
    choices: Sequence[str] = (),
    typical: tuple[float, float] | None = None,
    generated: bool = False,
    **bounds: Any,
) -> Meta:
    """Annotate an event field: help text, unit, usual values; `bounds` are checked on decoding.

    `choices` suggest and do not restrict: a stream may bring a category nobody has seen.
    `generated` marks an id that a form makes up by itself.
    """
    extra = {"unit": unit, "choices": tuple(choices), "typical": typical, "generated": generated}
    return Meta(description=description, extra=extra, **bounds)


def form_fields(event: type[msgspec.Struct], hidden: Sequence[str] = ()) -> list[FormField]:
    """Every value of an event as a form field, in the event's order, without the `hidden` ones."""
    info = cast(StructType, type_info(event))
    return [field for field in _walk(info, "") if field.path not in hidden]


def random_event(
    event: type[msgspec.Struct], rng: random.Random, hidden: Sequence[str] = ()
) -> dict[str, Any]:
    """Draw plausible values for every form field, as the nested object that Kafka would carry."""
    values: dict[str, Any] = {}
    for field in form_fields(event, hidden):
        *parents, name = field.path.split(".")
        place = values
        for parent in parents:
            place = place.setdefault(parent, {})
        place[name] = _draw(field, rng)
    return values


def _walk(info: StructType, prefix: str) -> Iterator[FormField]:
    for field in info.fields:
        kind, meta = _unwrap(field.type)
        path = f"{prefix}{field.encode_name}"
        if isinstance(kind, StructType):
            yield from _walk(kind, f"{path}.")
        else:
            yield _form_field(path, kind, meta)


def _unwrap(kind: Type) -> tuple[Type, Metadata | None]:
    """Look through optional types and annotations."""
    if isinstance(kind, UnionType):
        (kind,) = (option for option in kind.types if not isinstance(option, NoneType))
        return _unwrap(kind)
    if isinstance(kind, Metadata):
        return kind.type, kind
    return kind, None


def _form_field(path: str, kind: Type, meta: Metadata | None) -> FormField:
    extra = (meta and meta.extra) or {}
    return FormField(
        path=path,
        label=path.replace(".", " ").replace("_", " ").capitalize(),
        kind=_kind(kind, extra),
        help=((meta and meta.extra_json_schema) or {}).get("description", ""),
        unit=extra.get("unit", ""),
        minimum=getattr(kind, "ge", None),
        maximum=getattr(kind, "le", None),
        typical=extra.get("typical"),
        choices=extra.get("choices", ()),
    )


def _kind(kind: Type, extra: dict[str, Any]) -> Kind:
    if extra.get("generated"):
        return "id"
    if extra.get("choices"):
        return "choice"
    kinds: dict[type[Type], Kind] = {
        FloatType: "number",
        IntType: "integer",
        BoolType: "boolean",
        DateTimeType: "time",
        StrType: "text",
    }
    return kinds[type(kind)]


def _draw(field: FormField, rng: random.Random) -> Any:
    low, high = field.typical or (field.minimum or 0.0, field.maximum or 1.0)
    match field.kind:
        case "number":
            return round(rng.uniform(low, high), 2)
        case "integer":
            return rng.randint(int(low), int(high))
        case "boolean":
            return rng.random() < 0.9
        case "choice":
            return rng.choice(field.choices)
        case "time":
            return datetime.now(UTC).isoformat(timespec="microseconds")
        case "id":
            return str(uuid.UUID(int=rng.getrandbits(128), version=4))
        case "text":
            return ""

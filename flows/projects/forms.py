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
Clock = Literal["", "weekday", "month", "hour"]
"""What a value tells of the event's time: Monday is 0, January is 1, hours are in UTC."""

_NAMES = {"id": "ID", "ip": "IP", "cvv": "CVV", "os": "OS", "url": "URL"}
_NAMES |= {"lat": "latitude", "lon": "longitude"}
_UNITS = {"seconds": "s", "celsius": "°C", "km": "km", "days": "days"}
"""Last words of names that only say the unit."""


class FormField(msgspec.Struct, frozen=True):
    """One input: `path` is dotted for nested values, `typical` is where most values lie.

    `samples` are texts as the stream brings them; `likely` is how often a yes is; `clock` says
    that the value follows from the event's time.
    """

    path: str
    label: str
    kind: Kind
    help: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    typical: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    likely: float = 0.9
    clock: Clock = ""


def about(
    description: str,
    *,
    unit: str = "",
    choices: Sequence[str] = (),
    typical: tuple[float, float] | None = None,
    generated: bool = False,
    samples: Sequence[str] = (),
    likely: float = 0.9,
    clock: Clock = "",
    **bounds: Any,
) -> Meta:
    """Annotate an event field: help text, unit, usual values; `bounds` are checked on decoding.

    `choices` suggest and do not restrict: a stream may bring a category nobody has seen.
    `generated` marks an id that a form makes up by itself; `samples`, `likely` and `clock` are
    those of FormField.
    """
    extra: dict[str, Any] = {
        "unit": unit,
        "choices": tuple(choices),
        "typical": typical,
        "generated": generated,
    }
    extra |= {"samples": tuple(samples), "likely": likely, "clock": clock}
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
    now = datetime.now(UTC)
    for field in form_fields(event, hidden):
        *parents, name = field.path.split(".")
        place = values
        for parent in parents:
            place = place.setdefault(parent, {})
        place[name] = of_clock(field.clock, now) if field.clock else _draw(field, rng)
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
        label=_label(path, extra.get("unit", "")),
        kind=_kind(kind, extra),
        help=((meta and meta.extra_json_schema) or {}).get("description", ""),
        unit=extra.get("unit", ""),
        minimum=getattr(kind, "ge", None),
        maximum=getattr(kind, "le", None),
        typical=extra.get("typical"),
        choices=extra.get("choices", ()),
        samples=extra.get("samples", ()),
        likely=extra.get("likely", 0.9),
        clock=extra.get("clock", ""),
    )


def of_clock(clock: Clock, time: datetime) -> int:
    """What a field of that `clock` holds at a time."""
    utc = time.astimezone(UTC)
    return {"weekday": utc.weekday(), "month": utc.month, "hour": utc.hour}[clock]


def _label(path: str, unit: str) -> str:
    """`ip_address` → "IP address"; a last word that only says the unit is left out."""
    words = path.replace(".", " ").replace("_", " ").split()
    if len(words) > 1 and _UNITS.get(words[-1]) == unit:
        words.pop()
    named = " ".join(_NAMES.get(word, word) for word in words)
    return named[:1].upper() + named[1:]


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
            return rng.random() < field.likely
        case "choice":
            return rng.choice(field.choices)
        case "time":
            return datetime.now(UTC).isoformat(timespec="microseconds")
        case "id":
            return str(uuid.UUID(int=rng.getrandbits(128), version=4))
        case "text":
            return rng.choice(field.samples or ("",))

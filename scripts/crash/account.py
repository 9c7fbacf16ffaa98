"""What a run leaves behind, in a form in which two runs can be compared, and the comparison."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

Row = tuple[tuple[Hashable, ...], bytes]
"""Where a row comes from, and its content."""

Point = tuple[tuple[str, int], bytes]
"""A metric's name and step, and its time and value."""

_encode = msgspec.json.Encoder(order="deterministic").encode


def canonical(value: Any) -> bytes:
    """Bytes that are equal for equal values, numbers that are none included."""
    return _encode(value)


@dataclass(slots=True)
class Account:
    """One shard: rows of each table, points of the curves, and the learner part by part."""

    tables: dict[str, list[Row]] = field(default_factory=dict)
    curve: list[Point] = field(default_factory=list)
    learner: dict[str, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class Verdict:
    """What differs; `learner` names the parts that do."""

    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    curve_errors: int = 0
    learner: list[str] = field(default_factory=list)

    def __iadd__(self, other: Verdict) -> Verdict:
        self.lost += other.lost
        self.doubled += other.doubled
        self.wrong += other.wrong
        self.curve_errors += other.curve_errors
        self.learner += other.learner
        return self


def compare(expected: Account, found: Account) -> Verdict:
    """Judge one shard: `expected` was not disturbed, `found` was."""
    verdict = Verdict(
        curve_errors=_curve_errors(expected.curve, found.curve),
        learner=_differing(expected.learner, found.learner),
    )
    for table in expected.tables.keys() | found.tables.keys():
        verdict += _compare_rows(expected.tables.get(table, []), found.tables.get(table, []))
    return verdict


def _compare_rows(expected: Iterable[Row], found: Iterable[Row]) -> Verdict:
    expected_rows, found_rows = Counter(expected), Counter(found)
    wanted, there = _places(expected_rows), _places(found_rows)
    lost = (wanted - there).total()
    # What is missing with this content, though something is in its place.
    wrong = (expected_rows - found_rows).total() - lost
    return Verdict(lost=lost, doubled=(there - wanted).total(), wrong=wrong)


def _places(rows: Counter[Row]) -> Counter[tuple[Hashable, ...]]:
    places: Counter[tuple[Hashable, ...]] = Counter()
    for (place, _), times in rows.items():
        places[place] += times
    return places


def _curve_errors(expected: Iterable[Point], found: Iterable[Point]) -> int:
    """Points that are missing, there too often, or have another value or time; each once."""
    wanted, there = Counter(expected), Counter(found)
    missing = Counter(name for name, _ in (wanted - there).elements())
    extra = Counter(name for name, _ in (there - wanted).elements())
    return (missing | extra).total()


def _differing(expected: Mapping[str, bytes], found: Mapping[str, bytes]) -> list[str]:
    return sorted(
        part for part in expected.keys() | found.keys() if expected.get(part) != found.get(part)
    )

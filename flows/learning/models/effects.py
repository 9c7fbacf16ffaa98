"""What an input adds to a sum: a value per category, a broken line over a number, a surface.

An effect names the coefficients (cells) that an event uses, each with the share by which it is
multiplied. Effects with the same `table` share their coefficients. The sum of those that `lead`
multiplies those that `follow`: how much the hour matters may depend on the place.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable
from dataclasses import dataclass
from math import floor, isfinite
from typing import Any, Protocol

Features = dict[Any, Any]
Cell = tuple[Any, float]

LONGEST_NAME = 64


class Effect(Protocol):
    """What `MultiplicativeRegression` wants to know of an effect."""

    @property
    def label(self) -> str:
        """What explanations call it: the name of its input."""

    @property
    def table(self) -> str:
        """Names the set of its coefficients."""

    @property
    def spread(self) -> float:
        """How far its coefficients are thought to lie from zero before anything is known."""

    @property
    def leads(self) -> bool:
        """Whether it multiplies the effects that follow."""

    @property
    def follows(self) -> bool:
        """Whether it is multiplied by the sum of the effects that lead."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs that its cells follow from."""

    @property
    def source(self) -> Hashable:
        """Effects of equal source give the same cells."""

    def cells(self, x: Features) -> list[Cell]:
        """Names and shares of the coefficients that an event uses; none if its input is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Effect:
    table: str
    spread: float = 0.1
    leads: bool = False
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Category(_Effect):
    """One coefficient for each value of an input."""

    name: str

    @property
    def label(self) -> str:
        return self.name

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def source(self) -> Hashable:
        return ("category", self.name)

    def cells(self, x: Features) -> list[Cell]:
        value = x.get(self.name)
        return [] if value is None else [(_short(value), 1.0)]


@dataclass(frozen=True, slots=True)
class Step(_Effect):
    """One coefficient for each piece of a number line, `width` long; for each value of `by`."""

    name: str
    width: float = 1.0
    by: str | None = None

    @property
    def label(self) -> str:
        return self.name

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.name,) if self.by is None else (self.name, self.by)

    @property
    def source(self) -> Hashable:
        return ("step", self.name, self.width, self.by)

    def cells(self, x: Features) -> list[Cell]:
        value = x.get(self.name)
        if value is None or not isfinite(value / self.width):
            return []
        piece = floor(value / self.width)
        return [(piece if self.by is None else (_short(x.get(self.by)), piece), 1.0)]


@dataclass(frozen=True, slots=True)
class Curve(_Effect):
    """A broken line through heights at `knots`, flat beyond them; with a `period`, a circle."""

    name: str
    knots: tuple[float, ...]
    period: float = 0.0

    @property
    def label(self) -> str:
        return self.name

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def source(self) -> Hashable:
        return ("curve", self.name, self.knots, self.period)

    def cells(self, x: Features) -> list[Cell]:
        value = x.get(self.name)
        if value is None or value != value:
            return []
        left, right, share = self._between(value)
        return [(left, 1 - share), (right, share)] if share else [(left, 1.0)]

    def _between(self, value: float) -> tuple[int, int, float]:
        knots, last = self.knots, len(self.knots) - 1
        right = bisect_right(knots, value)
        if 0 < right <= last:
            start = knots[right - 1]
            return right - 1, right, (value - start) / (knots[right] - start)
        if not self.period or not isfinite(value):
            end = last if right else 0
            return end, end, 0.0
        gap = knots[0] + self.period - knots[last]
        return last, 0, min(1.0, (value - knots[last]) % self.period / gap)


@dataclass(frozen=True, slots=True)
class Surface(_Effect):
    """Heights on a grid of two numbers, `step` apart, and straight in between (bilinear)."""

    names: tuple[str, str]
    step: tuple[float, float]
    shown_as: str = ""

    @property
    def label(self) -> str:
        return self.shown_as or " and ".join(self.names)

    @property
    def inputs(self) -> tuple[str, ...]:
        return self.names

    @property
    def source(self) -> Hashable:
        return ("surface", self.names, self.step)

    def cells(self, x: Features) -> list[Cell]:
        down, along = x.get(self.names[0]), x.get(self.names[1])
        if down is None or along is None:
            return []
        down, along = down / self.step[0], along / self.step[1]
        if not (isfinite(down) and isfinite(along)):
            return []
        i, j = floor(down), floor(along)
        p, q = down - i, along - j
        return [
            ((i, j), (1 - p) * (1 - q)),
            ((i, j + 1), (1 - p) * q),
            ((i + 1, j), p * (1 - q)),
            ((i + 1, j + 1), p * q),
        ]


def _short(value: Any) -> Any:
    return value[:LONGEST_NAME] if isinstance(value, str) else value

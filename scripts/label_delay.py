"""How much later than its event a label is known."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Literal

from flows.errors import SettingsError

Shape = Literal["fixed", "exp", "lognormal", "uniform"]
NUMBERS: dict[str, tuple[Shape, int]] = {
    "exp": ("exp", 1),
    "lognormal": ("lognormal", 2),
    "uniform": ("uniform", 2),
}
FORMS = "N events, 3600s, exp:MEAN, lognormal:MEDIAN:SIGMA or uniform:FROM:TO, in seconds"


@dataclass(frozen=True, slots=True)
class LabelDelay:
    """A distribution of seconds between an event and the moment when its label is known."""

    shape: Shape
    first: float
    second: float = 0.0

    def seconds(self, rng: random.Random) -> float:
        """Draw one delay."""
        match self.shape:
            case "fixed":
                return self.first
            case "exp":
                return rng.expovariate(1 / self.first)
            case "lognormal":
                return self.first * rng.lognormvariate(0, self.second)
            case "uniform":
                return rng.uniform(self.first, self.second)


def parse_delay(text: str) -> int | LabelDelay:
    """Read a number of events, or a distribution of seconds. Raises SettingsError for others."""
    try:
        delay = _parse(text)
    except ValueError:
        raise SettingsError(f"label delay {text!r} is none; give {FORMS}") from None
    if _impossible(delay):
        raise SettingsError(f"label delay {text!r} is negative or without end; give {FORMS}")
    return delay


def _parse(text: str) -> int | LabelDelay:
    if text.endswith("s"):
        return LabelDelay("fixed", float(text[:-1]))
    name, *rest = text.split(":")
    if not rest:
        return int(text)
    shape, size = NUMBERS.get(name, ("fixed", 0))
    first, second = [*map(float, rest), *[0.0] * (2 - len(rest))]
    if len(rest) != size:
        raise ValueError(text)
    return LabelDelay(shape, first, second)


def _impossible(delay: int | LabelDelay) -> bool:
    if isinstance(delay, int):
        return delay < 0
    least = 0.0 if delay.shape in ("fixed", "uniform") else 1e-9
    finite = math.isfinite(delay.first) and math.isfinite(delay.second)
    backwards = delay.shape == "uniform" and delay.second < delay.first
    return not finite or delay.first < least or delay.second < 0 or backwards

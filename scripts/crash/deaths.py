"""How a flow is to die, each time: drawn from a seed before anything starts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

EARLY_SHARE = 0.1
INSIDE_SHARE = 0.45
EARLY_SECONDS = (0.5, 6.0)
# Two epochs and a half, so that no moment of an epoch is left out.
PROGRESS_SECONDS = (0.0, 2.5)
FAULT_RATE = 0.5

Kind = Literal["early", "outside", "inside"]


@dataclass(frozen=True, slots=True)
class Death:
    """One death by SIGKILL.

    `early`: `seconds` after the start, whatever the flow does by then. `outside`: `seconds` after
    it learnt something new. `inside`: by itself, at the point that `seed` chooses. `victims` are
    numbers of processes.
    """

    kind: Kind
    seconds: float
    victims: tuple[int, ...]
    seed: int


def draw(processes: int, seed: int) -> Iterator[Death]:
    """Deaths without end; the same arguments give the same ones."""
    rng = random.Random(f"deaths/{seed}")  # noqa: S311 - repeatable, not secret
    while True:
        yield _draw_one(rng, processes)


def _draw_one(rng: random.Random, processes: int) -> Death:
    chance = rng.random()
    kind: Kind = "outside"
    if chance < EARLY_SHARE:
        kind = "early"
    elif chance < EARLY_SHARE + INSIDE_SHARE:
        kind = "inside"
    seconds = rng.uniform(*(EARLY_SECONDS if kind == "early" else PROGRESS_SECONDS))
    victims = rng.sample(range(processes), rng.randint(1, processes))
    return Death(kind, seconds, tuple(sorted(victims)), rng.getrandbits(31))

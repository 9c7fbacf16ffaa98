"""Deaths at chosen moments, for tests of recovery: a process kills itself where it would hurt most.

While faults are off, a point is a call of a function that does nothing.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable

POINTS = (
    "batch.brought",
    "command.moved",
    "command.learnt",
    "command.saved",
    "command.settled",
    "curve.before",
    "curve.after",
    "dead_letters.flush",
    "lake.commit.before",
    "lake.commit.after",
    "lake.stage.before",
    "lake.stage.after",
    "learn.snapshot",
    "redis.publish.before",
    "redis.publish.after",
    "version.uploaded",
    "version.created",
)
"""Every moment at which a flow can be made to die; `lake` ones are passed once for each table."""


def _live_on(name: str) -> None:
    """What a point is while faults are off."""


point: Callable[[str], None] = _live_on


def arm(seed: int, rate: float) -> None:
    """Choose one point by `seed`; each time it is passed, the process dies with chance `rate`.

    A rate of 0 turns faults off. What is chosen, and at which passing it strikes, is the same in
    every process that is armed with the same numbers.
    """
    global point
    point = _strike(random.Random(seed), rate) if rate else _live_on  # noqa: S311 - repeatable


def _strike(rng: random.Random, rate: float) -> Callable[[str], None]:
    chosen = rng.choice(POINTS)

    def strike(name: str) -> None:
        if name == chosen and rng.random() < rate:
            os.write(2, f"fault: dying at {name}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    return strike

"""Examples of targets that are products, and a model for them."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

from flows.learning.models.effects import Category, Curve, Effect
from flows.learning.models.multiplicative_regression import MultiplicativeRegression

Example = tuple[dict[Any, Any], float]

EFFECTS: tuple[Effect, ...] = (
    Curve(name="size", knots=(1, 3, 10, 30, 100), table="size", spread=0.2),
    Category(name="kind", table="kind"),
    Category(name="noise", table="noise"),
)
FACTORS = {"plain": 1.0, "slow": 1.6, "fast": 0.7}


def examples(
    count: int, seed: int = 1, spread: float = 0.1, slow: float = 1.6
) -> Iterator[Example]:
    """Sizes times 50, times a factor of the kind, times one of the worker."""
    rng = random.Random(seed)
    factors = {**FACTORS, "slow": slow}
    talents = random.Random(7)
    workers = [talents.gauss(0, 0.1) for _ in range(100)]
    for _ in range(count):
        size, kind, worker = rng.uniform(1, 100), rng.choice(list(factors)), rng.randrange(100)
        x = {"size": size, "kind": kind, "noise": rng.choice("abcdef"), "worker": f"w{worker}"}
        yield x, 50 * size * factors[kind] * math.exp(workers[worker] + rng.gauss(0, spread))


def regression(**parameters: Any) -> MultiplicativeRegression:
    return MultiplicativeRegression("size", EFFECTS, "worker", **parameters)


def taught(model: Any, stream: Iterator[Example]) -> Any:
    for x, y in stream:
        model.learn_one(x, y)
    return model


def errors(model: Any, stream: Iterator[Example]) -> list[float]:
    """Relative errors, test-then-train."""
    found = []
    for x, y in stream:
        found.append(abs(model.predict_one(x) - y) / y)
        model.learn_one(x, y)
    return found

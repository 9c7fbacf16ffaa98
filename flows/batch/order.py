"""What somebody wants to have trained, and how they hear of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

Progress = Callable[[float, str], None]
"""Is told the share that is done, 0 to 1, and the stage; may raise to end the work."""


@dataclass(frozen=True, slots=True)
class Order:
    """The newest `rows` that have labels, or those `since` a time; all of them without either.

    `model` is one of the task's candidates; without one, all are trained, and the best wins.
    """

    rows: int | None = None
    since: datetime | None = None
    model: str | None = None


def part_of(progress: Progress, first: float, last: float) -> Progress:
    """Tell a part's progress as progress of the whole, of which it is from `first` to `last`."""
    return lambda share, stage: progress(first + share * (last - first), stage)


def silent(_share: float, _stage: str) -> None:
    """Tell nobody."""

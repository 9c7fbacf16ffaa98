"""How many predictions get a label, and how long labels take."""

from __future__ import annotations

import math

import msgspec

from flows.learning.state import State

# A prediction that has waited longer than this part of the labels took is one without a label.
PATIENCE = 0.95


class Coverage(msgspec.Struct, frozen=True):
    """Labels so far. `overdue`: predictions that still wait, longer than 95 % of labels took.

    `share`: of the predictions old enough for a label, those that got one; None before any is.
    Delays are quantiles over the newest thousand labels, in seconds; None before the first.
    """

    matched: int
    expired: int
    pending: int
    overdue: int
    share: float | None
    delay_median: float | None
    delay_p95: float | None
    delay_max: float | None


def coverage(state: State) -> Coverage:
    """How a learner's predictions fared."""
    counts, delays = state.counts, sorted(state.delays)
    overdue = _overdue(state, _quantile(delays, PATIENCE))
    due = counts["matched"] + counts["expired"] + overdue
    return Coverage(
        matched=counts["matched"],
        expired=counts["expired"],
        pending=len(state.waiting),
        overdue=overdue,
        share=counts["matched"] / due if due else None,
        delay_median=_quantile(delays, 0.5),
        delay_p95=_quantile(delays, PATIENCE),
        delay_max=delays[-1] if delays else None,
    )


def _overdue(state: State, longest: float | None) -> int:
    if longest is None:
        return 0
    count = 0
    for waiting in state.waiting.values():
        if state.clock - waiting.time <= longest:
            break
        count += 1
    return count


def _quantile(ordered: list[float], share: float) -> float | None:
    """The smallest value that a share of them does not exceed."""
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None

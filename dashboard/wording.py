"""Numbers and times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

NOTHING = "—"
_AGES = ((86_400, "d"), (3_600, "h"), (60, "min"))


def count(value: float | None) -> str:
    """31200 → "31 200", with narrow spaces that do not break."""
    return NOTHING if value is None else f"{value:,.0f}".replace(",", "\u202f")


def rate(value: float | None) -> str:
    """Events per second, with a decimal below ten."""
    if value is None:
        return NOTHING
    return f"{value:.1f}" if 0 < value < 10 else count(value)


def score(value: float | None) -> str:
    """A metric with three decimals; large errors with fewer."""
    if value is None:
        return NOTHING
    return f"{value:.3f}" if abs(value) < 100 else count(value)


def change(value: float) -> str:
    """A signed difference of a metric."""
    text = f"{value:+.3f}".replace("-", "\u2212")
    return "\u00b10.000" if text.endswith("0.000") else text


def percent(value: float) -> str:
    """A share in [0, 1]."""
    return "<0.1 %" if 0 < value < 0.001 else f"{100 * value:.1f} %"


def age(seconds: float | None) -> str:
    """How long ago, in the largest unit that fits."""
    if seconds is None:
        return NOTHING
    seconds = max(0, int(seconds))
    for size, unit in _AGES:
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def since(moment: datetime) -> str:
    """Clock time in UTC and how long ago that is."""
    passed = (datetime.now(UTC) - moment).total_seconds()
    return f"{moment:%H:%M:%S} UTC ({age(passed)} ago)"

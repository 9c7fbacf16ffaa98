"""Numbers and times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

NOTHING = "—"
MINUS = "\u2212"
SECONDS = "s"
_NAMES = {"id": "ID", "ip": "IP", "os": "OS", "cvv": "CVV", "url": "URL", "lat": "latitude"}
_NAMES |= {"lon": "longitude", "km": "km", "std": "spread"}
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


def quantity(value: float, unit: str = "") -> str:
    """An amount in its unit; seconds as minutes and hours where there are so many."""
    if unit == SECONDS:
        return _duration(value)
    return f"{_plain(value)} {unit}".rstrip()


def signed(text: str) -> str:
    """An amount's text with its sign before it."""
    return f"{MINUS}{text[1:]}" if text.startswith(("-", MINUS)) else f"+{text}"


def words(path: str) -> str:
    """A field's or a feature's name in words: `device_os` → "device OS"."""
    parts = path.replace(".", " ").replace("_", " ").split()
    return " ".join(_NAMES.get(word.lower(), word) for word in parts)


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


def day(moment: datetime) -> str:
    """Date and clock time in UTC."""
    return f"{moment:%d %b %Y, %H:%M} UTC"


def _plain(value: float) -> str:
    if abs(value) >= 100 or value == int(value):
        return count(value)
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2g}"


def _duration(seconds: float) -> str:
    sign, seconds = (MINUS if seconds < 0 else ""), abs(seconds)
    if round(seconds) < 60:
        return f"{sign}{seconds:.1f} s" if seconds < 10 else f"{sign}{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{sign}{minutes} min {rest} s" if rest else f"{sign}{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{sign}{hours} h {minutes} min" if minutes else f"{sign}{hours} h"

"""What in a profile is out of the ordinary."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from statistics import median

from api.analytics.drift import MODERATE, STRONG, noise
from api.analytics.figures import Anomaly, ColumnProfile, Rates, Severity, Windows
from api.analytics.numbers import moment
from api.analytics.taken import TABLE, Taken

SPANS = (1, 5, 15, 60, 300, 900, 3_600, 6 * 3_600, 86_400, 7 * 86_400, 28 * 86_400)
MOST_SPANS = 240
DAY = 86_400
TYPICAL_MAD = 1.4826
UNUSUAL, VERY_UNUSUAL = 6.0, 12.0
MOST_RATES = 5


def rates(taken: Taken, first: float, last: float) -> Rates:
    """How many rows each span of time has; spans are as long as to be at most MOST_SPANS."""
    seconds = next(
        (span for span in SPANS if (last - first) / span < MOST_SPANS),
        math.ceil((last - first) / (MOST_SPANS - 1)),
    )
    start = first // seconds * seconds
    counts = [0] * (int((last - start) // seconds) + 1)
    name = taken.time.short
    for place, count in taken.all(
        f"SELECT CAST(floor(({name} - {start!r}) / {seconds}) AS INTEGER) AS span, count(*)"
        f" FROM {TABLE} WHERE isfinite({name}) GROUP BY span"
    ):
        counts[place] += count
    return Rates(moment(start), float(seconds), counts)


def unusual_rates(told: Rates) -> Iterator[Anomaly]:
    """Spans with far more or fewer rows than is usual, at their time of day if there are days
    enough; the first and the last, which are not whole, left out."""
    found = []
    for place, count in enumerate(told.counts[1:-1], 1):
        usual = _usual(told, place)
        if len(usual) < 5:
            continue
        middle = median(usual)
        spread = TYPICAL_MAD * median(abs(other - middle) for other in usual)
        distance = (count - middle) / max(spread, math.sqrt(middle), 1.0)
        if abs(distance) >= UNUSUAL:
            found.append((abs(distance), place, count, middle))
    for distance, place, count, middle in sorted(found, reverse=True)[:MOST_RATES]:
        at = moment(told.since.timestamp() + place * told.seconds)
        detail = (
            f"{count:,.0f} rows in the {_length(told.seconds)} from {_told(at)},"
            f" where {middle:,.0f} are usual"
        ).replace(",", "\u202f", 1)
        yield Anomaly("rate", None, _severity(distance, UNUSUAL, VERY_UNUSUAL), detail)


def _usual(told: Rates, place: int) -> Sequence[int]:
    inner = range(1, len(told.counts) - 1)
    a_day = DAY / told.seconds
    if told.seconds < DAY and DAY % told.seconds == 0 and len(inner) >= 5 * a_day:
        inner = range(place % int(a_day) or int(a_day), len(told.counts) - 1, int(a_day))
    return [told.counts[other] for other in inner if other != place]


def unusual_values(column: ColumnProfile) -> Iterator[Anomaly]:
    """Values of numbers that are far from all others, and numbers that are none."""
    numbers, box = column.numbers, column.box
    if numbers is None or box is None or column.role != "event":
        return
    if numbers.not_finite:
        detail = f"{numbers.not_finite} values are infinite or no numbers"
        yield Anomaly("value", column.name, "high", detail)
    reach = box.q3 - box.q1
    for value, nearest in ((numbers.maximum, box.q3), (numbers.minimum, box.q1)):
        distance = abs(value - nearest) / reach if reach > 0 else 0.0
        if distance >= 10 and box.far:
            detail = (
                f"{value:.6g} is {distance:.0f} interquartile ranges beyond the quartile"
                f" {nearest:.6g}; {box.far} values lie beyond 3"
            )
            yield Anomaly("value", column.name, _severity(distance, 30, 100), detail)


def drifts(column: ColumnProfile, windows: Windows | None) -> Iterator[Anomaly]:
    """A column whose newest values are distributed otherwise than those before."""
    if windows is None or column.drift is None:
        return
    index, sure = column.drift, noise(windows.before.rows, windows.recent.rows)
    if index >= max(MODERATE, sure):
        detail = (
            f"values since {_told(windows.recent.since)} are distributed otherwise than those"
            f" since {_told(windows.before.since)}: stability index {index:.2f}"
        )
        yield Anomaly("drift", column.name, _severity(index, STRONG, 2 * STRONG), detail)


def repeated(column: str, count: int) -> Iterator[Anomaly]:
    """Rows whose identity another row has already."""
    if count:
        yield Anomaly(
            "duplicate", column, "high", f"{count} rows repeat a value that should be unique"
        )


def _severity(value: float, medium: float, high: float) -> Severity:
    return "high" if value >= high else "medium" if value >= medium else "low"


def _told(at: datetime) -> str:
    return f"{at.astimezone(UTC):%d %b %Y %H:%M:%S} UTC"


def _length(seconds: float) -> str:
    for size, unit in ((DAY, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds % size == 0:
            return f"{seconds / size:.0f} {unit}" if seconds > size else unit[:-1]
    return f"{seconds:.0f} seconds" if seconds != 1 else "second"

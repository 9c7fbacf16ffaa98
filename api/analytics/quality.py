"""How good a column of an event is: 100 points, less what there is to say against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from api.analytics.drift import MODERATE, STRONG
from api.analytics.figures import Box, Numbers, Reason, Texts

FEW_FAR = 0.001


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found out of a column: `outside` its bounds, `strangers` to its choices, `later`
    than now, `repeated` though it identifies events."""

    rows: int
    nulls: int
    distinct: int
    numbers: Numbers | None = None
    texts: Texts | None = None
    box: Box | None = None
    outside: int = 0
    bounds: str = ""
    strangers: int = 0
    later: int = 0
    repeated: int = 0
    drift: float | None = None


def quality(seen: Seen) -> tuple[float, list[Reason]]:
    """The score, and the reasons why it is not 100, gravest first."""
    reasons = sorted(_reasons(seen), key=lambda reason: -reason.points)
    return max(0.0, round(100 - sum(reason.points for reason in reasons), 1)), reasons


def _reasons(seen: Seen) -> Iterator[Reason]:
    rows = max(seen.rows, 1)
    yield from _share(seen.nulls / rows, 60, 0, f"{_of(seen.nulls, rows)} are missing")
    if seen.rows > 1 and seen.distinct == 1:
        yield Reason(20.0, "it always has the same value, and says nothing")
    repeated = f"{_of(seen.repeated, rows)} come again, though it identifies an event"
    yield from _share(seen.repeated / rows, 60, 10, repeated)
    outside = f"{_of(seen.outside, rows)} lie outside {seen.bounds}, which the project names"
    yield from _share(seen.outside / rows, 60, 5, outside)
    strange = f"{_of(seen.strangers, rows)} are none of the values that the project names"
    yield from _share(seen.strangers / rows, 30, 2, strange)
    yield from _share(seen.later / rows, 60, 5, f"{_of(seen.later, rows)} are in the future")
    yield from _of_numbers(seen, rows)
    yield from _of_texts(seen, rows)
    if seen.drift is not None and seen.drift >= MODERATE:
        strong = seen.drift >= STRONG
        how = "much" if strong else "somewhat"
        yield Reason(10.0 if strong else 4.0, f"it differs {how} from before ({seen.drift:.2f})")


def _of_numbers(seen: Seen, rows: int) -> Iterator[Reason]:
    if seen.numbers is not None:
        odd = seen.numbers.not_finite
        yield from _share(odd / rows, 60, 5, f"{_of(odd, rows)} are no finite numbers")
    if seen.box is not None and seen.box.far > FEW_FAR * rows and seen.distinct > 2:
        far = f"{_of(seen.box.far, rows)} lie more than 3 interquartile ranges off the quartiles"
        yield from _share(seen.box.far / rows, 20, 1, far, most=5)


def _of_texts(seen: Seen, rows: int) -> Iterator[Reason]:
    if seen.texts is None:
        return
    blank, padded = seen.texts.blank, seen.texts.padded
    yield from _share(blank / rows, 60, 2, f"{_of(blank, rows)} are empty texts")
    yield from _share(padded / rows, 20, 2, f"{_of(padded, rows)} begin or end with spaces")


def _share(
    share: float, weight: float, least: float, detail: str, most: float = 60
) -> Iterator[Reason]:
    if share > 0:
        yield Reason(round(min(most, least + weight * share), 1), detail)


def _of(count: int, rows: int) -> str:
    percent = 100 * count / rows
    told = f"{percent:.1f} %" if percent >= 0.1 else "<0.1 %"
    return f"{count:,} values ({told})".replace(",", "\u202f")

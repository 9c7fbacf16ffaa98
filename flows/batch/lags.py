"""What was sold of a series before, as inputs of a forecast some days ahead."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from math import cos, isfinite, log1p, nan, pi, sin
from typing import Any, NamedTuple

from flows.batch.table import MISSING, Column
from flows.learning.tasks.forecasting_prediction import HORIZONS

WEEK = 7
RECENT = 28
KEPT = RECENT + HORIZONS + 1
MOST_SERIES = 5_000
YEAR = 365.25

Calendar = Callable[[int], bool]


class Day(NamedTuple):
    """A day of a series: the logarithm of what was sold, and the day's other inputs."""

    day: int
    sold: float
    numbers: tuple[float, ...]
    texts: tuple[str, ...]


class Described(NamedTuple):
    """Inputs of one forecast; `level` is the mean logarithm that it is relative to."""

    ahead: int
    level: float
    values: tuple[Any, ...]


Histories = OrderedDict[str, list[Day]]
"""The last days of each series, oldest first; series that were sold longest ago first."""


class Lags:
    """Describes forecasts for a day, made on the day itself and 1 to 7 days before it.

    `numbers` and `texts` are inputs beside `series` and `day`; of a day ahead they are known as of
    the day on which the forecast was made. `usual` is the level of a series that is not known.
    """

    def __init__(
        self,
        numbers: Sequence[str],
        texts: Sequence[str],
        calendar: Calendar | None = None,
        usual: float = 0.0,
    ) -> None:
        self.numbers = tuple(numbers)
        self.texts = tuple(texts)
        self.calendar = calendar
        self.usual = usual

    @property
    def columns(self) -> tuple[Column, ...]:
        """What `Described.values` are."""
        plain = ("ahead", "weekday", "year_sin", "year_cos", "holiday_then", "level")
        lags = ("last", "week_mean", "same_weekday", "same_weekday_before", "same_weekdays")
        counts = ("spread", "days_known")
        each = [
            f"{name}{kind}"
            for kind in ("", "_over_usual", "_same_weekday")
            for name in self.numbers
        ]
        runs = [f"{name}_days" for name in self.texts]
        names = (*plain, *lags, *counts, *each, *runs)
        return (
            *(Column(name, False) for name in names),
            *(Column(one, True) for one in self.texts),
        )

    def describe(self, histories: Histories, inputs: Mapping[str, Any]) -> list[Described | None]:
        """Forecasts for the event's own day: made on it, then 1 to 7 days before it.

        Of the latter those are None for which nothing was known in the week before.
        """
        day = int(inputs["day"])
        known = histories.get(str(inputs["series"]), [])
        before = [one for one in known if one.day < day]
        numbers, texts = self._now(inputs)
        found: list[Described | None] = [self._described(before, day, 0, numbers, texts)]
        for ahead in range(1, HORIZONS + 1):
            while before and before[-1].day > day - ahead:
                before.pop()
            if not before or day - before[-1].day > HORIZONS:
                found.append(None)
                continue
            newest = before[-1]
            away = day - newest.day
            found.append(self._described(before, day, away, newest.numbers, newest.texts))
        return found

    def note(self, histories: Histories, inputs: Mapping[str, Any], sold: float) -> None:
        """Keep what was sold on a day; the newest word on a day counts."""
        name, day = str(inputs["series"]), int(inputs["day"])
        numbers, texts = self._now(inputs)
        kept = [one for one in histories.pop(name, []) if one.day != day]
        kept.append(Day(day, log1p(max(0.0, float(sold))), numbers, texts))
        kept.sort(key=lambda one: one.day)
        histories[name] = kept[-KEPT:]
        if len(histories) > MOST_SERIES:
            histories.popitem(last=False)

    def _now(self, inputs: Mapping[str, Any]) -> tuple[tuple[float, ...], tuple[str, ...]]:
        numbers = tuple(_number(inputs.get(name)) for name in self.numbers)
        return numbers, tuple(_text(inputs.get(name)) for name in self.texts)

    def _described(
        self,
        known: Sequence[Day],
        day: int,
        ahead: int,
        numbers: tuple[float, ...],
        texts: tuple[str, ...],
    ) -> Described:
        recent = known[-RECENT:]
        level = _mean([one.sold for one in recent], self.usual)
        alike = [one for one in reversed(recent) if (day - one.day) % WEEK == 0]
        turn = 2 * pi * day / YEAR
        holiday = nan if self.calendar is None else float(self.calendar(day))
        usual = [
            _mean([one.numbers[place] for one in recent], nan) for place in range(len(numbers))
        ]
        values = (
            *(ahead, day % WEEK, sin(turn), cos(turn), holiday, level),
            *_lags(recent, alike, level),
            *numbers,
            *(now - mean for now, mean in zip(numbers, usual, strict=True)),
            *(alike[0].numbers if alike else [nan] * len(numbers)),
            *(_run(recent, place, text) for place, text in enumerate(texts)),
            *texts,
        )
        return Described(ahead, level, values)


def _lags(recent: Sequence[Day], alike: Sequence[Day], level: float) -> list[float]:
    sold = [one.sold - level for one in recent]
    same = [one.sold - level for one in alike]
    return [
        sold[-1] if sold else nan,
        _mean(sold[-WEEK:], nan),
        same[0] if same else nan,
        same[1] if len(same) > 1 else nan,
        _mean(same, nan),
        _mean([one * one for one in sold], nan),
        float(len(sold)),
    ]


def _mean(values: Sequence[float], none: float) -> float:
    return sum(values) / len(values) if values else none


def _run(recent: Sequence[Day], place: int, now: str) -> float:
    """For how many days a text has been what it is now."""
    run = 0
    for one in reversed(recent):
        if one.texts[place] != now:
            break
        run += 1
    return float(run)


def _number(value: Any) -> float:
    number = float(value) if isinstance(value, int | float) else nan
    return number if isfinite(number) else nan


def _text(value: Any) -> str:
    return MISSING if value is None or value != value else str(value)

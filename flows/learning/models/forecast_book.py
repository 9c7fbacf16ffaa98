"""Forecasts as they were issued, until their day has come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from flows.learning.tasks.forecasting_prediction import HORIZONS

Issued = TypeVar("Issued")


class ForecastBook(Generic[Issued]):
    """What was forecast of one series, by the day it is for and by how far ahead it was said.

    Holds the newest day that forecasts were issued on and the days after it.
    """

    __slots__ = ("_days",)

    def __init__(self) -> None:
        self._days: dict[int, list[Issued | None]] = {}

    def issue(self, day: int, fan: Sequence[Issued]) -> None:
        """Enter what is forecast on a day for the 7 days after it; days before it are dropped."""
        if len(self._days) > HORIZONS:
            for past in [known for known in self._days if known < day]:
                del self._days[past]
        for place, forecast in enumerate(fan):
            slots = self._days.get(day + place + 1)
            if slots is None:
                slots = self._days[day + place + 1] = [None] * HORIZONS
            slots[place] = forecast

    def made(self, day: int) -> list[Issued | None]:
        """The newest forecast for a day from at least 1, 2, … 7 days before it; nearest first."""
        slots = self._days.get(day)
        if slots is None:
            return [None] * HORIZONS
        if None in slots:
            slots = slots.copy()
            for place in range(HORIZONS - 2, -1, -1):
                if slots[place] is None:
                    slots[place] = slots[place + 1]
        return slots

    def issued(self, day: int) -> list[Issued | None]:
        """What was forecast on a day for the 7 days after it."""
        slots = [self._days.get(day + ahead) for ahead in range(1, HORIZONS + 1)]
        return [slot[place] if slot else None for place, slot in enumerate(slots)]

    def clear(self) -> None:
        """Forget everything."""
        self._days.clear()

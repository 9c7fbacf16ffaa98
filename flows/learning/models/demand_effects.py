"""What moves demand: effects with variances, learnt one observation at a time."""

from __future__ import annotations

from typing import NamedTuple

LEVEL, HOLIDAY, PROMOTION, PRICE, WEEKDAY = range(5)
"""Places in a list of effects; weekdays take seven, Monday first."""
LONGEST_GAP = 60
LONGEST_DELAY = 28
"""Days; what is dated further back than this was not late, what came before was dated wrong."""


class Deviations(NamedTuple):
    """A standard deviation for each kind of effect."""

    level: float = 0.0
    holiday: float = 0.0
    promotion: float = 0.0
    price: float = 0.0
    weekday: float = 0.0

    def variances(self) -> list[float]:
        """Squares, with seven weekdays."""
        *others, weekday = (deviation**2 for deviation in self)
        return [*others, *[weekday] * 7]


class Effects:
    """The effects of one scope: all series, a product, a store or one series.

    `prior`: how far they may be from 0 before anything is known. `noise`: how much each moves, the
    level by day, the others from one observation to the next. `fading`: the share of the level that
    is left after a day; below 1 it returns to 0, and `prior` is how far it strays. The trend is
    added to the level day by day, and `damping` is the share of it that is left after one.
    """

    __slots__ = ("damping", "day", "fading", "mean", "noise", "trend", "variance")

    def __init__(
        self, prior: Deviations, noise: Deviations, fading: float = 1.0, damping: float = 1.0
    ) -> None:
        self.mean = [0.0] * (WEEKDAY + 7)
        self.variance = prior.variances()
        self.noise = noise.variances()
        self.fading = fading
        self.damping = damping
        self.trend = 0.0
        self.day = 0
        if fading < 1:
            self.noise[LEVEL] = self.variance[LEVEL] * (1 - fading**2)

    def level(self, day: int) -> float:
        """The level as it is going to be on a day, trend included, if nothing happens."""
        level, trend = self.mean[LEVEL], self.trend
        days = min(day - self.day, LONGEST_GAP) if self.day else 0
        if days <= 0:
            return level
        level *= self.fading**days
        if trend:
            for _ in range(days):
                level += trend
                trend *= self.damping
        return level

    def move_on(self, day: int) -> None:
        """Let the level go on to a day. An earlier one does nothing, one long past starts anew."""
        days = min(day - self.day, LONGEST_GAP) if self.day else 0
        if days > 0:
            self.mean[LEVEL] = self.level(day)
            self.trend *= self.damping**days
            for _ in range(days):
                self.variance[LEVEL] = self.variance[LEVEL] * self.fading**2 + self.noise[LEVEL]
        if days > 0 or self.day - day > LONGEST_DELAY or not self.day:
            self.day = day

    def loosen(self, least: list[float]) -> None:
        """Doubt everything: no variance stays below the least one."""
        self.variance = [max(pair) for pair in zip(self.variance, least, strict=True)]
        self.trend = 0.0


Terms = list[tuple[Effects, int, float]]
"""The effects that an observation is the sum of: whose, which, and how often each counts."""


def learn_sum(terms: Terms, observed: float, noise: float, clip: float) -> float:
    """Let effects learn from an observation of their sum; return how far it was off.

    The surprise, at most `clip` of its own deviations, is shared out by variance: a Kalman filter
    whose covariances between effects are left out, so that it costs no more than it has terms.
    """
    expected, variance = 0.0, noise
    for effects, place, weight in terms:
        expected += effects.mean[place] * weight
        variance += effects.variance[place] * weight * weight
    most = clip * variance**0.5
    share = max(-most, min(observed - expected, most)) / variance
    for effects, place, weight in terms:
        before = effects.variance[place]
        taken = before * weight
        effects.mean[place] += taken * share
        effects.variance[place] = before - taken * taken / variance
        if place:
            effects.variance[place] += effects.noise[place]
    return observed - expected

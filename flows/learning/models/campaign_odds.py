"""How likely a promotion holds some days ahead, learnt from how campaigns went so far."""

from __future__ import annotations

from flows.learning.tasks.forecasting_prediction import HORIZONS

OLDEST = 15
PRIOR_WEIGHT = 20.0
REMEMBERED = 2_000.0
PERSISTENCE = 0.85
RARITY = 0.1


class CampaignOdds:
    """Share of days with promotion 1 to 7 days after a day, by the campaign's age and weekday.

    Age 0 is no campaign, 1 its first day. What was seen of an age on one weekday is weighed against
    what was seen of running campaigns, or of none, on any.
    """

    def __init__(self) -> None:
        self._seen = [[0.0] * (2 * HORIZONS) for _ in range(7 * (OLDEST + 1))]
        self._rough = [
            [share for ahead in range(1, HORIZONS + 1) for share in (chance(ahead), 1.0)]
            for chance in (_rarely, _persistently)
        ]

    def key(self, age: int, weekday: int) -> int:
        """Number of the situation that a day is in."""
        return 7 * min(age, OLDEST) + weekday

    def ahead(self, key: int) -> list[float]:
        """Share of days with promotion 1, 2, … 7 days after a day in that situation."""
        seen, rough = self._seen[key], self._rough[key >= 7]
        return [
            (seen[at] + PRIOR_WEIGHT * rough[at] / rough[at + 1]) / (seen[at + 1] + PRIOR_WEIGHT)
            for at in range(0, 2 * HORIZONS, 2)
        ]

    def learn(self, key: int, days_ahead: int, promoted: bool) -> None:
        """Take in whether there was promotion so many days after a day in that situation."""
        at = 2 * (days_ahead - 1)
        for counts in (self._seen[key], self._rough[key >= 7]):
            counts[at] += promoted
            counts[at + 1] += 1
            if counts[at + 1] > REMEMBERED:
                counts[at] /= 2
                counts[at + 1] /= 2


def _rarely(_ahead: int) -> float:
    return RARITY


def _persistently(ahead: int) -> float:
    return PERSISTENCE**ahead

"""How likely a payment of the living stream is fraud, by what can be seen of it and its past."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from math import exp, log

from scripts.streams._fraud_people import Merchant, User

BURST_SECONDS = 900.0
FAR_KM = 800.0
YOUNG_DAYS = 20.0
BOTH = 0.3
"""Share of a concept from which on it holds whole."""

USUAL_LOG_ODDS = -10.0
OTHER_LOG_ODDS = -13.5
RISKY_CATEGORIES = {"electronics": 0.8, "luxury_items": 1.0, "digital_goods": 1.0, "gambling": 1.5}
OTHER_RISKY_CATEGORIES = {"groceries": 0.5, "services": 1.2, "travel": 1.2, "other": 1.5}
OTHER_RISKY_METHODS = {"paypal", "bank_transfer"}
OTHER_RISKY_TYPES = {"withdrawal", "transfer"}


@dataclass(frozen=True, slots=True)
class Signs:
    """What can be seen of a payment by one who knows its user. All but `burst` in [0, 1]."""

    strange: bool
    far: float
    high: float
    low: float
    burst: int
    no_cvv: bool
    no_match: bool
    young: bool
    merchant: int
    category: str
    method: str
    kind: str


def of_amount(amount: float, user: User, merchant: Merchant) -> tuple[float, float]:
    """How far above, and how far below, what this user pays this merchant usually."""
    ratio = log(amount / (user.level * merchant.level))
    return _share(ratio, 1.0, 2.2), _share(-ratio, 1.2, 2.4)


class Causes:
    """Two concepts of fraud. `shady` merchants belong to the usual one, `other_shady` to the other.

    Usual: strangers with devices of their own, far away, with high amounts, without the card's
    check number. Other: strangers who imitate the user's device and place, have all card data,
    and take small amounts, many in a row, by other ways and merchants.
    """

    def __init__(self, shady: Set[int], other_shady: Set[int]) -> None:
        self.shady = shady
        self.other_shady = other_shady

    def probability(self, signs: Signs, shift: float, attack: float = 0.0) -> float:
        """Probability of fraud when `shift` of the other concept holds.

        Each concept is a reason of its own; while both are about, both hold whole. `attack` adds
        to the log-odds.
        """
        usual = min(1.0, (1 - shift) / BOTH)
        other = min(1.0, shift / BOTH)
        innocent = 1.0
        if usual:
            innocent *= 1 - usual * _probability(self._usual(signs) + attack)
        if other:
            innocent *= 1 - other * _probability(self._other(signs) + attack)
        return 1 - innocent

    def _usual(self, signs: Signs) -> float:
        return (
            USUAL_LOG_ODDS
            + 4.0 * signs.strange
            + 2.0 * signs.far
            + 2.5 * signs.far * signs.strange
            + 4.0 * signs.high
            + 0.8 * min(signs.burst, 4)
            + 2.5 * signs.no_cvv
            + 2.0 * signs.no_match
            + 2.0 * (signs.no_cvv and signs.no_match)
            + 2.0 * signs.young
            + 3.5 * (signs.merchant in self.shady)
            + RISKY_CATEGORIES.get(signs.category, 0.0)
        )

    def _other(self, signs: Signs) -> float:
        return (
            OTHER_LOG_ODDS
            + 7.5 * signs.low
            + 1.2 * min(signs.burst, 5)
            + 4.5 * (signs.merchant in self.other_shady)
            + OTHER_RISKY_CATEGORIES.get(signs.category, 0.0)
            + 1.5 * (signs.method in OTHER_RISKY_METHODS)
            + 1.5 * (signs.kind in OTHER_RISKY_TYPES)
        )


def _share(value: float, low: float, high: float) -> float:
    return max(0.0, min((value - low) / (high - low), 1.0))


def _probability(log_odds: float) -> float:
    return 1 / (1 + exp(-log_odds))

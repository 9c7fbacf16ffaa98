"""What is believed of demand before any was seen, as deviations on a logarithmic scale."""

from __future__ import annotations

from flows.learning.models.demand_effects import LEVEL, PRICE, Deviations, Effects

ELASTICITY = -1.0
DISCOUNT = -0.2
FIRST_LEVEL = 3.0
FIRST_DEVIATION = 0.25
STRANGERS_DEVIATION = 0.7
LEAST_DEVIATION = 0.02

ALL_PRIOR = Deviations(level=0.05, holiday=0.3, promotion=0.4, price=1.0, weekday=0.2)
ALL_NOISE = Deviations(holiday=0.004, promotion=0.003, price=0.005, weekday=0.002)
PRODUCT_PRIOR = Deviations(level=0.5, holiday=0.2, promotion=0.3, price=0.5, weekday=0.2)
PRODUCT_NOISE = Deviations(level=0.007, holiday=0.02, promotion=0.02, price=0.01, weekday=0.01)
STORE_PRIOR = Deviations(level=0.1, weekday=0.1)
STORE_NOISE = Deviations(weekday=0.003)
SERIES_PRIOR = Deviations(level=1.5, promotion=0.1, weekday=0.05)
SERIES_NOISE = Deviations(level=0.015, promotion=0.01, weekday=0.005)
SHOCK_FADING = 0.6
TREND_DAMPING = 0.98

DOUBT = 0.09
"""Share of the first variances that drift brings back; of levels, at most that of DOUBTED_LEVEL."""
DOUBTED_LEVEL = 0.25


def effects_of_all() -> Effects:
    """What all series have in common: weekdays, holidays, promotion, and shocks that fade."""
    effects = Effects(ALL_PRIOR, ALL_NOISE, SHOCK_FADING)
    effects.mean[PRICE] = ELASTICITY
    return effects


def effects_of_product() -> Effects:
    """How a product differs from all, wherever it is sold; its level has a trend."""
    return Effects(PRODUCT_PRIOR, PRODUCT_NOISE, damping=TREND_DAMPING)


def effects_of_store() -> Effects:
    """How a store differs from all, whatever it sells: shocks that fade, and its weekdays."""
    return Effects(STORE_PRIOR, STORE_NOISE, SHOCK_FADING)


def effects_of_series(level: float = FIRST_LEVEL) -> Effects:
    """How one product in one store differs from what its product and its store say."""
    effects = Effects(SERIES_PRIOR, SERIES_NOISE)
    effects.mean[LEVEL] = level
    return effects


def doubted(prior: Deviations) -> list[float]:
    """The least variances after drift."""
    level, *others = prior.variances()
    return [DOUBT * min(level, DOUBTED_LEVEL), *(DOUBT * variance for variance in others)]

"""Between which values most labels will lie, from how far off predictions have been."""

from __future__ import annotations

from math import exp, floor, log, log2, pi, sqrt
from statistics import NormalDist
from typing import Any

from river import base

Name = base.typing.FeatureName

SMALLEST = 1e-9
FARTHEST = 8.0
MEAN_DEVIATION = sqrt(2 / pi)
STEP = 3.0
HEAD_START = 20
SLOWEST = 0.01
AFTER_DRIFT = 40
MOST_BUCKETS = 64
MOST_VALUES = 200
FADING = 0.999


class Quantiles:
    """Three running quantiles of the logarithm of label / prediction, by stochastic descent.

    They are kept in units of the mean deviation, which is known sooner than they are.
    """

    def __init__(self, shares: tuple[float, float, float], start: Quantiles | None = None) -> None:
        self.shares = shares
        self.places: list[float] = list(start.places) if start else list(map(_normal, shares))
        self.spread: float = start.spread if start else 0.3
        self.count = 0

    @property
    def values(self) -> list[float]:
        """Lower, middle and upper, in order."""
        return sorted([place * self.spread for place in self.places])

    @property
    def middle(self) -> float:
        """The middle one."""
        return self.places[1] * self.spread

    def learn(self, ratio: float) -> None:
        """Move each quantile so that its share of ratios lies below it."""
        self.count += 1
        rate = max(SLOWEST, 1 / (self.count + HEAD_START))
        places, step = self.places, STEP * rate
        self.spread += (min(abs(ratio - self.middle), 6 * self.spread) - self.spread) * rate
        place = ratio / max(self.spread, SMALLEST)
        for number, share in enumerate(self.shares):
            places[number] += step * (share - (place < places[number]))

    def hurry(self) -> None:
        """Move fast again."""
        self.count = min(self.count, AFTER_DRIFT)


class QuantileInterval(base.Wrapper[base.Regressor], base.Regressor):
    """Gives a regressor of positive targets an interval, and corrects its median.

    Every example is predicted before it is learnt; quantiles of label / prediction are kept for
    predictions of each size (a factor of two), so that intervals are as wide as errors have been
    there. They hold as many labels as they should on any stream, in the long run (Gibbs and
    Candès 2021, "Adaptive conformal inference under distribution shift").

    Parameters
    ----------
    regressor
        Predicts positive values.
    share
        How many labels the interval is to hold.
    watched
        Inputs by whose values `describe` tells the mean absolute error; numbers by their floor.
    """

    def __init__(
        self, regressor: base.Regressor, share: float = 0.8, watched: tuple[str, ...] | None = None
    ) -> None:
        self.regressor = regressor
        self.share = share
        self.watched = watched
        self._overall = Quantiles(((1 - share) / 2, 0.5, (1 + share) / 2))
        self._buckets: dict[int, Quantiles] = {}
        self._errors: dict[str, dict[Any, list[float]]] = {name: {} for name in watched or ()}

    @property
    def _wrapped_model(self) -> base.Regressor:
        return self.regressor

    @classmethod
    def _unit_test_params(cls) -> Any:
        from river import linear_model, preprocessing

        yield {"regressor": preprocessing.StandardScaler() | linear_model.LinearRegression()}

    def predict_one(self, x: dict[Name, Any], **kwargs: Any) -> float:
        """Return the regressor's prediction, corrected so that half of the labels lie below."""
        value = self.regressor.predict_one(x, **kwargs)
        return value * exp(self._quantiles(value).middle)

    def predict_interval_one(self, x: dict[Name, Any]) -> tuple[float, float, float] | None:
        """Return prediction, lower and upper bound; None before anything was learnt."""
        if not self._overall.count:
            return None
        value = self.regressor.predict_one(x)
        lower, middle, upper = self._quantiles(value).values
        return value * exp(middle), value * exp(lower), value * exp(upper)

    @property
    def base_value(self) -> float:
        """The prediction that explanations start from."""
        return float(getattr(self.regressor, "base_value", 0.0))

    def explain_one(self, x: dict[Name, Any]) -> dict[str, float]:
        """What each input adds to the prediction, if the regressor can tell."""
        explain = getattr(self.regressor, "explain_one", None)
        return explain(x) if explain else {}

    def learn_one(self, x: dict[Name, Any], y: float, **kwargs: Any) -> None:
        """Compare, and let the regressor learn."""
        value = self.regressor.predict_one(x)
        if value > SMALLEST and y > SMALLEST:
            ratio = max(-FARTHEST, min(log(y / value), FARTHEST))
            self._overall.learn(ratio)
            self._bucket(value).learn(ratio)
            for name, errors in self._errors.items():
                self._watch(errors, x.get(name), abs(y - value))
        self.regressor.learn_one(x, y, **kwargs)

    def on_drift(self) -> None:
        """Let intervals, and the regressor if it can, move fast again."""
        for quantiles in (self._overall, *self._buckets.values()):
            quantiles.hurry()
        forget = getattr(self.regressor, "on_drift", None)
        if forget:
            forget()

    def describe(self) -> dict[str, Any]:
        """Errors by watched input, with what the regressor says of itself."""
        describe = getattr(self.regressor, "describe", None)
        rows = {
            name: [
                {"value": value, "count": count, "mean_absolute_error": total / count}
                for value, (count, total) in errors.items()
            ]
            for name, errors in self._errors.items()
        }
        return {"error_by_input": rows, **(describe() if describe else {})}

    def _quantiles(self, value: float) -> Quantiles:
        return self._buckets.get(_size(value), self._overall)

    def _bucket(self, value: float) -> Quantiles:
        size = _size(value)
        bucket = self._buckets.get(size)
        if bucket is None:
            if len(self._buckets) >= MOST_BUCKETS:
                return self._overall
            bucket = self._buckets[size] = Quantiles(self._overall.shares, self._overall)
        return bucket

    def _watch(self, errors: dict[Any, list[float]], value: Any, error: float) -> None:
        if isinstance(value, float):
            value = floor(value) if value - value == 0 else None
        known = errors.get(value)
        if known is None:
            if len(errors) >= MOST_VALUES:
                return
            known = errors[value] = [0.0, 0.0]
        known[0] = FADING * known[0] + 1
        known[1] = FADING * known[1] + error


def _normal(share: float) -> float:
    """Quantile of a normal distribution, in units of its mean deviation."""
    return NormalDist().inv_cdf(share) / MEAN_DEVIATION


def _size(value: float) -> int:
    return floor(log2(value)) if value > SMALLEST else 0

"""How far to trust each piece of evidence when several say the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flows.learning.models.segments import Floats

SPREAD = 0.3
STEPS = 4
LARGEST_LOG_ODDS = 30.0


def fit_weights(
    evidence: Floats, offset: Floats, labels: NDArray[np.bool_], importances: Floats, start: Floats
) -> Floats:
    """Weights of the columns of `evidence`, and last an intercept, by logistic regression.

    Independent evidence has weight 1 and intercept 0; the answer is the mode of the posterior
    under a normal prior around these, so that few events change little. `offset` is added to the
    log-odds as it is. Newton steps from `start`, a former answer.
    """
    inputs = np.column_stack([evidence, np.ones(len(labels))])
    prior = np.append(np.ones(evidence.shape[1]), 0.0)
    precision = np.eye(len(prior)) / SPREAD**2
    weights = start
    for _ in range(STEPS):
        log_odds = np.clip(offset + inputs @ weights, -LARGEST_LOG_ODDS, LARGEST_LOG_ODDS)
        rates = 1 / (1 + np.exp(-log_odds))
        slope = inputs.T @ (importances * (labels - rates)) - precision @ (weights - prior)
        curvature = (inputs.T * (importances * rates * (1 - rates))) @ inputs + precision
        step = np.linalg.solve(curvature, slope)
        weights = weights + step / max(1.0, np.abs(step).max())
    return weights

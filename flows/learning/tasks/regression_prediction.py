"""What a regression says of an event."""

from __future__ import annotations

import msgspec


class RegressionPrediction(msgspec.Struct, frozen=True, gc=False):
    """A value in the label's unit, and between which values four of five labels will lie.

    The interval is None for a model that cannot tell.
    """

    value: float
    lower: float | None = None
    upper: float | None = None

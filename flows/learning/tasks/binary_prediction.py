"""What a binary classifier says of an event."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class BinaryPrediction(msgspec.Struct, frozen=True, gc=False):
    """Probability of the positive class in [0, 1], the class, and the threshold that chose it."""

    probability: Annotated[float, Meta(ge=0, le=1)]
    decision: Annotated[int, Meta(ge=0, le=1)]
    threshold: float

"""What a classifier of several classes says of an event."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class MulticlassPrediction(msgspec.Struct, frozen=True, gc=False):
    """The likeliest class and the next one, with their probabilities in [0, 1].

    `runner_up` is None while only one class is known.
    """

    decision: str
    probability: Annotated[float, Meta(ge=0, le=1)]
    runner_up: str | None = None
    runner_up_probability: Annotated[float, Meta(ge=0, le=1)] | None = None

"""A planted change of concept: when it comes, in what shape, and how far it goes."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from flows.errors import SettingsError
from scripts.streams.stream import check_at_least

Kind = Literal["sudden", "gradual", "incremental", "recurring"]
Severity = Literal["none", "mild", "moderate", "severe"]

KINDS: tuple[Kind, ...] = get_args(Kind)
SEVERITIES: Mapping[Severity, float] = {"none": 0.0, "mild": 0.3, "moderate": 0.6, "severe": 1.0}
WIDTH = 2_000


@dataclass(frozen=True, slots=True)
class Drift:
    """From event number `at` (the first is 0) on, the share of the other concept changes.

    `sudden`: at once. `gradual`: within `width` events, ever more of them are of the new share.
    `incremental`: the share itself moves, within `width` events. `recurring`: it comes and goes,
    `width` events each. Severity "none" leads back to the usual concept. Kinds as in Gama et al.
    (2014), "A survey on concept drift adaptation". Raises SettingsError for impossible values.
    """

    kind: Kind = "sudden"
    severity: Severity = "severe"
    at: int = 0
    width: int = WIDTH

    def __post_init__(self) -> None:
        """Refuse what is no drift."""
        if self.kind not in KINDS:
            raise SettingsError(f"no drift {self.kind!r}; known: {', '.join(KINDS)}")
        if self.severity not in SEVERITIES:
            raise SettingsError(f"no severity {self.severity!r}; known: {', '.join(SEVERITIES)}")
        check_at_least("at", self.at, 0)
        check_at_least("width", self.width, 1)

    @property
    def share(self) -> float:
        """How much of the other concept holds in the end."""
        return SEVERITIES[self.severity]

    def turns_at(self, number: int) -> bool:
        """Whether it begins with this event or, when recurring, comes or goes."""
        since = number - self.at
        return since == 0 or (self.kind == "recurring" and since > 0 and since % self.width == 0)

    def shift(self, number: int, before: float, rng: random.Random) -> float:
        """How much of the other concept holds for an event, if `before` held before the drift."""
        since = number - self.at
        if since < 0:
            return before
        if self.kind == "recurring":
            return before if since // self.width % 2 else self.share
        if self.kind == "sudden" or since >= self.width:
            return self.share
        progress = since / self.width
        if self.kind == "incremental":
            return before + progress * (self.share - before)
        return self.share if rng.random() < progress else before

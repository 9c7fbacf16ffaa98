"""A named happening that a stream can act out for a while."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.streams.stream import check_at_least, check_probability


@dataclass(frozen=True, slots=True)
class Scenario:
    """`name` holds from event number `at` (the first is 0) for so many `events`.

    `intensity` in (0, 1] says how strongly. Raises SettingsError for impossible values.
    """

    name: str
    at: int = 0
    events: int = 1_000
    intensity: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot happen."""
        check_at_least("at", self.at, 0)
        check_at_least("events", self.events, 1)
        check_probability("intensity", self.intensity)

    @property
    def end(self) -> int:
        """Number of the first event that it does not hold for."""
        return self.at + self.events

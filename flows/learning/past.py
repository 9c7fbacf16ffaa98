"""What earlier events say of the next one: velocities, sessions, a driver's last trips."""

from __future__ import annotations

from typing import Any, Protocol


class Past(Protocol):
    """Remembers events, without their labels, within bounds.

    Goes by the times of events, so that the same events always leave the same memory. What is to
    be learnt from labels belongs into a model.
    """

    def recall(self, event: Any) -> dict[str, Any]:
        """Features of an event that has not been noted yet; changes nothing."""

    def note(self, event: Any) -> None:
        """Take an event in."""

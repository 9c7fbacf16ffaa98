"""What a generated stream is, and the clocks that date its events."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from flows.errors import SettingsError

if TYPE_CHECKING:
    from scripts.streams.controls import Controls
    from scripts.streams.drift import Drift
    from scripts.streams.scenario import Scenario

Event = dict[str, Any]
Truth = dict[str, Any]
"""What is true of an event and not told by it: its cause, its probability, its persona."""

Clock = Callable[[float], datetime]
"""Takes the seconds until the next event, as the stream drew them; returns this event's time."""

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stream:
    """A profile of a project's events: a dataclass of options, and what draws events by them.

    `rate` is how many events a second it makes, on average. Its own clock begins at `start` and
    goes `speed` times faster, so that few events show what hours and weekdays do. `scenarios` are
    the names of what it can act out, with a line of help each. An event may carry its truth as
    "_truth"; it is taken off before anybody sees the event.
    """

    options: type[Any]
    generate: Callable[[random.Random, Clock, Any, Controls], Iterator[Event]]
    rate: float
    scenarios: Mapping[str, str] = field(default_factory=dict)
    start: datetime = EPOCH
    speed: float = 1.0

    def controls(
        self,
        drifts: Sequence[Drift] = (),
        scenarios: Sequence[Scenario] = (),
        anomaly_rate: float = 0.0,
    ) -> Controls:
        """Make the controls of one run. Raises SettingsError for scenarios it does not have."""
        from scripts.streams.controls import Controls

        return Controls(self.scenarios, drifts=drifts, planned=scenarios, anomaly_rate=anomaly_rate)

    def configure(self, options: Mapping[str, Any]) -> Any:
        """Make the options. Raises SettingsError for unknown names and impossible values."""
        known = [field.name for field in fields(self.options)]
        unknown = sorted(set(options) - set(known))
        if unknown:
            raise SettingsError(f"no option {', '.join(unknown)}; known: {', '.join(known)}")
        return self.options(**options)


def event_clock(start: datetime, speed: float = 1.0) -> Clock:
    """Make a clock of generated time, in UTC. Raises SettingsError for a start without a zone."""
    if start.tzinfo is None:
        raise SettingsError(f"start {start.isoformat()} has no time zone; append +00:00 for UTC")
    now = start.astimezone(UTC)

    def advance(gap: float) -> datetime:
        nonlocal now
        time, now = now, now + timedelta(seconds=gap * speed)
        return time

    return advance


def wall_clock(_gap: float) -> datetime:
    """The time of day: for events that are sent as soon as they are drawn."""
    return datetime.now(UTC)


def iso(time: datetime) -> str:
    """UTC as ISO 8601 with microseconds and offset, as events carry it."""
    return time.isoformat(timespec="microseconds")


def uuid4(rng: random.Random) -> str:
    """A version 4 UUID that the generator's seed decides."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def check_probability(name: str, value: float) -> None:
    """Raise SettingsError unless the value lies in [0, 1]."""
    if not 0 <= value <= 1:
        raise SettingsError(f"{name}={value} is no probability; give a value from 0 to 1")


def check_at_least(name: str, value: float, least: float) -> None:
    """Raise SettingsError for a value below the least that makes sense."""
    if not value >= least:
        raise SettingsError(f"{name}={value} is too small; give at least {least}")

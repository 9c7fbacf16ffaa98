"""What can be changed about a stream while it is drawn: concept, scenarios, anomalies."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from flows.errors import SettingsError
from scripts.streams.drift import Drift
from scripts.streams.scenario import Scenario
from scripts.streams.stream import check_probability


@dataclass(frozen=True, slots=True)
class Change:
    """Something that begins, turns or ends with the event of this number; `what` it is of."""

    event_number: int
    what: str
    details: dict[str, Any]


class Controls:
    """Read by a generator at every event; `streams.drawn` calls `advance` after each.

    `number` is how many events have been drawn, and so the number of the one being drawn.
    Drifts follow each other: each starts from what the one before has reached. `known` are the
    stream's scenarios, with a line of help each.
    """

    def __init__(
        self,
        scenarios: Mapping[str, str] | None = None,
        *,
        drifts: Sequence[Drift] = (),
        planned: Sequence[Scenario] = (),
        anomaly_rate: float = 0.0,
    ) -> None:
        self.number = 0
        self.anomaly_rate = 0.0
        self._changes: deque[Change] = deque()
        self.known = dict(scenarios or {})
        self._drifts = sorted(drifts, key=lambda drift: drift.at)
        self._planned = list(planned)
        self._running: dict[str, float] = {}
        for scenario in planned:
            self.check_scenario(scenario.name)
        if anomaly_rate:
            self.make_anomalous(anomaly_rate)
        self._turn()

    def shift(self, rng: random.Random) -> float:
        """How much of the other concept holds for this event, in [0, 1]. Ask once per event."""
        shift = 0.0
        for drift in self._drifts:
            shift = drift.shift(self.number, shift, rng)
        return shift

    def scenario(self, name: str) -> float:
        """How strongly a scenario holds now, in [0, 1]; 0 is not at all."""
        return self._running.get(name, 0.0)

    @property
    def running(self) -> dict[str, float]:
        """The scenarios that hold now, with their intensities."""
        return dict(self._running)

    @property
    def drift(self) -> Drift | None:
        """The drift that began last."""
        begun = [drift for drift in self._drifts if drift.at <= self.number]
        return begun[-1] if begun else None

    def begin(self, drift: Drift) -> None:
        """Let a drift begin with the event that is drawn next, whatever its `at` says."""
        now = Drift(drift.kind, drift.severity, self.number, drift.width)
        self._drifts = [known for known in self._drifts if known.at != now.at] + [now]
        self._drifts.sort(key=lambda drift: drift.at)
        self._tell("drift", asdict(now))

    def set_scenario(self, name: str, intensity: float = 1.0) -> None:
        """Let a scenario hold from the next event on, or end it with 0.

        Raises SettingsError for a name that the stream does not have.
        """
        self.check_scenario(name)
        check_probability("intensity", intensity)
        if intensity == self._running.get(name, 0.0):
            return
        self._running.pop(name, None)
        if intensity:
            self._running[name] = intensity
        self._tell("scenario", {"scenario": name, "intensity": intensity})

    def make_anomalous(self, rate: float) -> None:
        """Set the share of events that are to be anomalous."""
        check_probability("anomaly_rate", rate)
        if rate != self.anomaly_rate:
            self.anomaly_rate = rate
            self._tell("anomalies", {"anomaly_rate": rate})

    def advance(self) -> None:
        """Go on to the next event."""
        self.number += 1
        if self._drifts or self._planned:
            self._turn()

    def take_changes(self) -> Iterator[Change]:
        """Give each change that holds for what has been drawn, once, oldest first."""
        while self._changes and self._changes[0].event_number < self.number:
            yield self._changes.popleft()

    def _turn(self) -> None:
        for drift in self._drifts:
            if drift.turns_at(self.number):
                self._tell("drift", asdict(drift))
        for scenario in self._planned:
            if scenario.end == self.number:
                self.set_scenario(scenario.name, 0.0)
        for scenario in self._planned:
            if scenario.at == self.number:
                self.set_scenario(scenario.name, scenario.intensity)

    def _tell(self, what: str, details: dict[str, Any]) -> None:
        self._changes.append(Change(self.number, what, details))

    def check_scenario(self, name: str) -> None:
        """Raise SettingsError for a scenario that the stream does not have."""
        if name not in self.known:
            known = ", ".join(self.known) or "none"
            raise SettingsError(f"the stream has no scenario {name!r}; known: {known}")

"""What a running producer can be told: pace, scenarios, drift, anomalies."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from flows.errors import SettingsError
from flows.stores.production import Command
from scripts.pace import Pace
from scripts.streams import Controls, Drift


class Steering:
    """Obeys commands. `controls` are those of the generated stream; None for a file's events."""

    def __init__(
        self,
        pace: Pace,
        controls: Controls | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pace = pace
        self._controls = controls
        self._clock = clock
        self._ends: dict[str, float] = {}
        self.refused = ""

    def obey(self, command: Command) -> None:
        """Do what a command says, or nothing of it and keep the reason in `refused`."""
        try:
            self._check(command)
        except SettingsError as error:
            self.refused = str(error)
            return
        self._steer_pace(command)
        if self._controls is not None:
            self._steer_stream(command, self._controls)

    def tick(self) -> None:
        """End the scenarios whose time has passed."""
        if not self._ends or self._controls is None:
            return
        now = self._clock()
        for name in [name for name, end in self._ends.items() if end <= now]:
            del self._ends[name]
            self._controls.set_scenario(name, 0.0)

    @property
    def stream(self) -> dict[str, Any]:
        """What holds of the stream, for the status."""
        controls = self._controls or Controls()
        drift = controls.drift
        return {
            "running": controls.running,
            "scenarios": controls.known,
            "drift": None
            if drift is None
            else {"kind": drift.kind, "severity": drift.severity, "at": drift.at},
            "anomaly_rate": controls.anomaly_rate,
        }

    def _check(self, command: Command) -> None:
        generated = (command.scenario, command.drift, command.anomaly_rate)
        if self._controls is None:
            if any(value is not None for value in generated):
                raise SettingsError("events come from a file: no scenario, drift or anomalies")
        elif command.scenario is not None:
            self._controls.check_scenario(command.scenario)
        if command.factor is not None and command.seconds is None:
            raise SettingsError("factor without seconds; say for how long")

    def _steer_pace(self, command: Command) -> None:
        if command.rate is not None:
            self._pace.change(command.rate)
        if command.state == "paused":
            self._pace.pause()
        if command.state == "running":
            self._pace.resume()
        if command.burst is not None:
            self._pace.burst(command.burst)
        if command.factor is not None and command.seconds is not None:
            self._pace.hurry(command.factor, command.seconds)

    def _steer_stream(self, command: Command, controls: Controls) -> None:
        if command.scenario is not None:
            controls.set_scenario(command.scenario, command.intensity)
            self._ends.pop(command.scenario, None)
            if command.seconds is not None and command.intensity:
                self._ends[command.scenario] = self._clock() + command.seconds
        if command.drift is not None:
            controls.begin(Drift(command.drift, command.severity, width=command.width))
        if command.anomaly_rate is not None:
            controls.make_anomalous(command.anomaly_rate)

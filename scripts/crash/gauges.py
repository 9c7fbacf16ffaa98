"""What a running flow tells of itself: the figures of interest among its metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from scripts.crash.surroundings import Place
from scripts.local.child import Child

LOOK_SECONDS = 0.25
STEPS = ("learn", "publish", "snapshot", "lake")
NAMES = {
    "events": "realtime_events_total",
    "time": "realtime_last_event_timestamp_seconds",
    "cpu": "process_cpu_seconds_total",
    "memory": "process_resident_memory_bytes",
    "state_bytes": "realtime_state_bytes",
    "model_bytes": "realtime_model_bytes",
}
SECONDS = "realtime_step_duration_seconds"

Sample = dict[str, float]
"""The NAMES, how many `epochs` and `snapshots` there were, and the seconds of each of the STEPS."""


class Gauges:
    """Reads the metrics of the flow in a process, which must be on `flow_metrics_port`."""

    def __init__(self, place: Place, flow: Child) -> None:
        self._url = f"http://127.0.0.1:{place.settings.flow_metrics_port}/metrics"
        self._flow = flow
        self._client = httpx2.AsyncClient()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def until(self, reached: Callable[[Sample], bool]) -> Sample:
        """Look until a sample is as wanted. Raises PartError if the flow ends before."""
        while True:
            try:
                sample = sample_of((await self._client.get(self._url)).text)
                if reached(sample):
                    return sample
            except httpx2.TransportError:
                pass
            if self._flow.returncode is not None:
                raise await self._flow.death()
            await asyncio.sleep(LOOK_SECONDS)


def sample_of(text: str) -> Sample:
    """The figures of interest in an exposition of metrics; 0 for what is not there yet."""
    found = {
        (one.name, one.labels.get("step", "")): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }
    return {
        **{step: found.get((f"{SECONDS}_sum", step), 0.0) for step in STEPS},
        "epochs": found.get((f"{SECONDS}_count", "lake"), 0.0),
        "snapshots": found.get((f"{SECONDS}_count", "snapshot"), 0.0),
        **{name: found.get((metric, ""), 0.0) for name, metric in NAMES.items()},
    }

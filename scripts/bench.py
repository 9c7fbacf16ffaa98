"""`python -m scripts.bench`: the flow against the bare loop, on the same events, in one run.

The bare loop is what nobody can do without: the project's features, models, challengers and
metrics, one event after the other, already decoded and in memory. The learner alone, over the same
events, also remembers what it has seen, lets predictions wait for labels, compares challengers and
looks for drift: that is learning too, so it is told beside the bare loop what share of it the flow
reaches, `learner_ratio`; `ratio` is the stricter one. The flow does all of it from a broker through
all sinks with recovery on. Both loops run before and after the flow, so that a machine whose speed
drifts does not decide the ratio, and none is timed over the first quarter of the events, while
models are small and the flow's libraries are still being loaded.
"""

from __future__ import annotations

import asyncio
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from statistics import mean
from typing import Any

import msgspec

from flows.learning.learner import Learner
from flows.learning.memory import calm_collector
from flows.projects.spec import Project
from scripts import streams
from scripts.crash.command import Figures, answer, parser_of
from scripts.crash.flow import make_recovery, steady_flow
from scripts.crash.gauges import STEPS, Gauges, Sample
from scripts.crash.surroundings import Broker, surroundings
from scripts.kafka import send
from scripts.local.ports import free_port
from scripts.records import EventReader
from scripts.topics import ensure_topics

WARM_UP = 0.25


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print one JSON object."""
    parser = parser_of("bench", __doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--profile", help="kind of generated stream (living, where there is one)")
    return answer("bench", parser.parse_args(arguments), measure)


async def measure(project: Project, options: Namespace) -> Figures:
    """The bare loop, the flow, and the bare loop again."""
    profile = options.profile or streams.default_profile(project.slug)
    drawn = streams.events(project.slug, profile=profile, seed=options.seed, count=options.events)
    values = [msgspec.json.encode(event) for event in drawn]
    loops = [(bare_rate(project, values), learner_rate(project, values))]
    figures = await flow_rate(project, values, options.broker)
    loops.append((bare_rate(project, values), learner_rate(project, values)))
    bare, learner = map(mean, zip(*loops, strict=True))
    return {
        "project": project.slug,
        "events": len(values),
        "bare_events_per_second": round(bare),
        "bare_runs": [round(rate) for rate, _ in loops],
        "learner_events_per_second": round(learner),
        "flow_events_per_second": round(figures["rate"]),
        "ratio": round(figures["rate"] / bare, 3),
        "learner_ratio": round(figures["rate"] / learner, 3),
        "flow_events_per_cpu_second": round(figures["cpu_rate"]),
        "snapshot_share": round(figures["snapshot"], 4),
        "lake_share": round(figures["lake"], 4),
        "publish_share": round(figures["publish"], 4),
        "learn_share": round(figures["learn"], 4),
        "state_bytes": int(figures["state_bytes"]),
        "model_bytes": int(figures["model_bytes"]),
    }


def bare_rate(project: Project, values: list[bytes]) -> float:
    """Events per second of the plain loop."""
    events = _decoded(project, values)
    task, past = project.task, project.past and project.past()
    learners = [(project.model(), task.metrics())]
    learners += [(build(), task.metrics()) for build in project.challengers.values()]

    def take(event: Any) -> None:
        inputs = project.inputs(event, past)
        if past:
            past.note(event)
        label = getattr(event, project.label) if project.label else None
        for model, metrics in learners:
            prediction = task.predict(model, inputs)
            if prediction is not None:
                metrics.update(label, prediction)
            task.learn(model, inputs, label)

    return _rate(events, take)


def learner_rate(project: Project, values: list[bytes]) -> float:
    """Events per second of the learner without a broker and without sinks."""
    events = _decoded(project, values)
    learner = Learner.fresh(project)
    return _rate(
        events, lambda event: learner.observe(event, getattr(event, project.time).timestamp())
    )


def _decoded(project: Project, values: list[bytes]) -> list[Any]:
    return list(map(msgspec.json.Decoder(project.event).decode, values))


def _rate(events: list[Any], take: Callable[[Any], object]) -> float:
    """Events per second, without those of the warm-up."""
    warm = int(WARM_UP * len(events))
    calm_collector()
    for event in events[:warm]:
        take(event)
    started = time.perf_counter()
    for event in events[warm:]:
        take(event)
    return (len(events) - warm) / (time.perf_counter() - started)


async def flow_rate(project: Project, values: list[bytes], broker: Broker) -> Sample:
    """The flow's figures, with all events on the broker before it starts."""
    async with surroundings(project, 1, broker, flow_metrics_port=free_port()) as place:
        await asyncio.to_thread(ensure_topics, project, place.settings)
        reader = EventReader(project)
        records = (reader.read(value).record for value in values)
        await asyncio.to_thread(send, place.settings, project.topic, records)
        await make_recovery(place, 1)
        async with steady_flow(place) as flow, Gauges(place, flow) as gauges:
            return await _watch(gauges, len(values))


async def _watch(gauges: Gauges, events: int) -> Sample:
    """Follow the flow from its warm-up to the end of the epoch that holds the last events."""
    first = await gauges.until(lambda sample: sample["events"] > WARM_UP * events)
    last = await gauges.until(lambda sample: sample["events"] >= events)
    closed = await gauges.until(lambda sample: sample["epochs"] > last["epochs"])
    learning = last["time"] - first["time"]
    closing = sum(closed[step] - last[step] for step in ("snapshot", "lake"))
    seconds, done = learning + closing, events - first["events"]
    shares = {step: (closed[step] - first[step]) / seconds for step in STEPS}
    return {
        **shares,
        "rate": done / seconds,
        "cpu_rate": done / (last["cpu"] - first["cpu"]),
        "state_bytes": closed["state_bytes"],
        "model_bytes": closed["model_bytes"],
    }


if __name__ == "__main__":
    sys.exit(main())

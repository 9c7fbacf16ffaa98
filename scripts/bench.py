"""`python -m scripts.bench`: the flow against the bare loop, on the same events, in one run.

The bare loop is what nobody can do without: the project's features, models and metrics, one event
after the other, already decoded and in memory. The flow does the same from a broker through all
sinks with recovery on. The bare loop runs before and after the flow, so that a machine whose speed
drifts does not decide the ratio.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import mean
from typing import Any

import httpx2
import msgspec
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from flows import projects
from flows.errors import RealtimeError
from flows.learning.memory import calm_collector
from flows.projects.spec import Project
from flows.settings import Settings
from scripts import streams
from scripts.kafka import Sender
from scripts.local import parts
from scripts.local.child import Child, Leash, Part
from scripts.local.environment import environment
from scripts.local.ports import free_port
from scripts.records import EventReader
from scripts.stop import Stop
from scripts.topics import ensure_topics

LOOK_SECONDS = 0.25
STEPS = ("learn", "publish", "snapshot", "lake")

Sample = dict[str, float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print one JSON object."""
    parser = ArgumentParser(prog="python -m scripts.bench", description=__doc__)
    parser.add_argument("project", choices=list(projects.PROJECTS))
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one line instead of one per figure")
    options = parser.parse_args(arguments)
    project = projects.get(options.project)
    drawn = streams.events(project.slug, seed=options.seed, count=options.events)
    values = [msgspec.json.encode(event) for event in drawn]
    try:
        figures = measure(project, values)
    except RealtimeError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    sys.stdout.write(json.dumps(figures, indent=None if options.json else 2) + "\n")
    return 0


def measure(project: Project, values: list[bytes]) -> dict[str, Any]:
    """The bare loop, the flow, and the bare loop again."""
    before = bare_rate(project, values)
    figures = asyncio.run(_flow(project, values))
    after = bare_rate(project, values)
    bare = mean([before, after])
    return {
        "project": project.slug,
        "events": len(values),
        "bare_events_per_second": round(bare),
        "bare_runs": [round(before), round(after)],
        "flow_events_per_second": round(figures["rate"]),
        "ratio": round(figures["rate"] / bare, 3),
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
    decode = msgspec.json.Decoder(project.event).decode
    events = [decode(value) for value in values]
    task, past = project.task, project.past and project.past()
    learners = [(project.model(), task.metrics())]
    learners += [(build(), task.metrics()) for build in project.challengers.values()]
    calm_collector()
    started = time.perf_counter()
    for event in events:
        inputs = project.inputs(event, past)
        if past:
            past.note(event)
        label = getattr(event, project.label) if project.label else None
        for model, metrics in learners:
            prediction = task.predict(model, inputs)
            if prediction is not None:
                metrics.update(label, prediction)
            task.learn(model, inputs, label)
    return len(events) / (time.perf_counter() - started)


async def _flow(project: Project, values: list[bytes]) -> Sample:
    with tempfile.TemporaryDirectory() as folder:
        settings = _settings(Path(folder))
        env, redis_url = environment(settings), settings.redis_url
        async with AsyncExitStack() as stack:
            leash = await Leash.start()
            stack.push_async_callback(leash.close)

            async def start(part: Part) -> None:
                child = await Child.start(part, leash, _relay)
                stack.push_async_callback(child.stop)
                await child.until_ready()

            await start(parts.broker(_port(settings.kafka_bootstrap), "bench", env))
            await start(parts.valkey(_port(redis_url.get_secret_value()), env))
            await start(parts.mlflow(_port(settings.mlflow_uri), Path(folder) / "mlflow", env))
            await asyncio.to_thread(_produce, project, settings, values)
            recovery = Path(folder) / "recovery"
            recovery.mkdir()
            await start(parts.recovery(project.slug, recovery, env))
            await start(parts.flow(project.slug, recovery, redis_url, env))
            return await _watch(settings, len(values))


def _settings(folder: Path) -> Settings:
    return Settings(
        _env_file=None,
        kafka_bootstrap=f"127.0.0.1:{free_port()}",
        redis_url=SecretStr(f"redis://127.0.0.1:{free_port()}/0"),
        mlflow_uri=f"http://127.0.0.1:{free_port()}",
        lake_uri=str(folder / "lake"),
        flow_metrics_port=free_port(),
    )


def _port(address: str) -> int:
    return int(address.removesuffix("/0").rsplit(":", 1)[1])


def _relay(name: str, line: str) -> None:
    if "ERROR" in line or "Error" in line:
        sys.stderr.write(f"{name}: {line}\n")


def _produce(project: Project, settings: Settings, values: list[bytes]) -> None:
    """Put all events on the broker before the flow starts."""
    ensure_topics(project, settings)
    sender, reader = Sender(settings, Stop()), EventReader(project)
    for value in values:
        sender.send(project.topic, reader.read(value).record)
    sender.finish()


async def _watch(settings: Settings, events: int) -> Sample:
    """Follow the flow from its first events to the end of the epoch that holds the last ones."""
    url = f"http://127.0.0.1:{settings.flow_metrics_port}/metrics"
    async with httpx2.AsyncClient() as client:
        first = await _until(client, url, lambda sample: sample["events"] > 0)
        last = await _until(client, url, lambda sample: sample["events"] >= events)
        closed = await _until(client, url, lambda sample: sample["epochs"] > last["epochs"])
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


async def _until(client: httpx2.AsyncClient, url: str, reached: Any) -> Sample:
    while True:
        try:
            sample = _sample((await client.get(url)).text)
            if reached(sample):
                return sample
        except httpx2.TransportError:
            pass
        await asyncio.sleep(LOOK_SECONDS)


def _sample(text: str) -> Sample:
    """The figures of interest in an exposition of metrics."""
    found = {
        (one.name, one.labels.get("step", "")): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }
    seconds = "realtime_step_duration_seconds"
    return {
        **{step: found.get((f"{seconds}_sum", step), 0.0) for step in STEPS},
        "epochs": found.get((f"{seconds}_count", "lake"), 0.0),
        "events": found.get(("realtime_events_total", ""), 0.0),
        "time": found.get(("realtime_last_event_timestamp_seconds", ""), 0.0),
        "cpu": found.get(("process_cpu_seconds_total", ""), 0.0),
        "state_bytes": found.get(("realtime_state_bytes", ""), 0.0),
        "model_bytes": found.get(("realtime_model_bytes", ""), 0.0),
    }


if __name__ == "__main__":
    sys.exit(main())

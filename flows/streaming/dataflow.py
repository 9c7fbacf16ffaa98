"""The wiring of every flow, top to bottom."""

from __future__ import annotations

import sys
import threading
from itertools import pairwise

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from prometheus_client import REGISTRY

from flows import health_server, logs, projects
from flows.batch.registered import BatchRegistry
from flows.learning.memory import calm_collector
from flows.projects.spec import Project
from flows.settings import Settings, load
from flows.stores.batch import BatchStore
from flows.stores.commands import CommandStore
from flows.stores.live import LiveStore, connect
from flows.stores.predictions import PredictionStore
from flows.streaming import faults, instruments, recovery
from flows.streaming.batch_model import BatchDesk
from flows.streaming.commands import Desk
from flows.streaming.dead_letter_sink import DeadLetterSink
from flows.streaming.decode import decoder
from flows.streaming.guard import guarded
from flows.streaming.health import PULSE
from flows.streaming.kafka_source import KafkaSource
from flows.streaming.lake_sink import LakeSink
from flows.streaming.learn import learn_logic
from flows.streaming.mlflow_sink import MlflowSink, registry_of
from flows.streaming.redis_sink import RedisSink
from flows.streaming.signals import stop_on_signals
from flows.streaming.start import Start
from flows.streaming.wanted import WantedState


def build(
    project: Project,
    settings: Settings,
    stop: threading.Event,
    known: frozenset[str] = frozenset(),
) -> Dataflow:
    """Wire a project's flow. Step names are a schema: recovery finds its state by them."""
    client = connect(settings.redis_url.get_secret_value())
    live = LiveStore(client, project.slug)
    served = PredictionStore(client, project.slug, project.horizon.total_seconds())
    wanted = WantedState(live, stop)
    registry = registry_of(project, settings)
    start = Start(project, settings, registry, stop)
    batch = BatchDesk(
        project, BatchStore(client, project.slug), BatchRegistry(settings.mlflow_uri, project)
    )
    desk = Desk(project, settings, CommandStore(client, project.slug), registry, stop, batch)

    flow = Dataflow(project.slug)
    source = KafkaSource(
        settings, list(project.topics), start.offset, stop, wanted.is_paused, known, desk.order
    )
    polled = op.input("kafka", flow, source)
    decoded = op.map_value("decode", polled, guarded(decoder(project)))
    learned = op.stateful_batch("learn", decoded, learn_logic(project, settings, start, desk))
    op.output("dead_letters", decoded, DeadLetterSink(settings, project.dead_letters_topic, stop))
    op.output("lake", learned, LakeSink(project, settings, stop))
    op.output("redis", learned, RedisSink(live, served, wanted.is_paused))
    op.output("mlflow", learned, MlflowSink(project, settings, stop))
    return flow


def run(slug: str) -> Dataflow:
    """Prepare this process and wire the flow of a project: what an entry point calls."""
    return serve(projects.get(slug))


def serve(project: Project) -> Dataflow:
    """Do what `run` does for a project that is at hand."""
    settings = load()
    logs.configure(settings, "flow", project=project.slug, worker=_worker(sys.argv))
    REGISTRY.register(logs.LINES)
    calm_collector()
    instruments.begin(project.slug)
    faults.arm(settings.fault_seed, settings.fault_rate)
    if settings.flow_metrics_port:
        checks = PULSE.checks(settings.flow_stall_seconds)
        host, port = settings.flow_metrics_host, settings.flow_metrics_port
        health_server.start(host, port, checks, setting="REALTIME_FLOW_METRICS_PORT")
    known = recovery.known_parts(recovery.directory_of(sys.argv), project.slug)
    return build(project, settings, stop_on_signals(), known)


def _worker(arguments: list[str]) -> int:
    """Which process of its cluster this is: bytewax.run's -i."""
    for name, value in pairwise(arguments):
        if name in ("-i", "--process-id") and value.isdecimal():
            return int(value)
    return 0

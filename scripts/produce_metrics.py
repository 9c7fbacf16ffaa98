"""What Prometheus sees of a producer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from flows import health_server, logs, measures
from flows.health_server import Check
from flows.measures import Measure
from flows.projects.spec import Project
from flows.stores.production import ProducerStatus
from scripts.change_log import changes_topic
from scripts.kafka import Sender


class ProducerMetrics(Collector):
    """Counts per topic, read off the sender when somebody asks."""

    def __init__(
        self, project: Project, sender: Sender, status: Callable[[], ProducerStatus]
    ) -> None:
        self._project = project
        self._sender = sender
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """What there is now."""
        status, project = self._status(), self._project
        yield self._delivered(measures.PRODUCED_EVENTS, project.topic)
        if project.label is not None:
            yield self._delivered(measures.PRODUCED_LABELS, project.labels_topic)
        yield self._delivered(measures.PRODUCED_CHANGES, changes_topic(project))
        failures = measures.PRODUCE_FAILURES.counted()
        failures.add_metric([project.topic], self._sender.failed)
        yield failures
        rate = measures.PRODUCER_RATE.gauged()
        rate.add_metric([project.topic], 0.0 if status.state == "paused" else status.rate)
        yield rate

    def _delivered(self, measure: Measure, topic: str) -> Metric:
        family = measure.counted()
        family.add_metric([topic], self._sender.delivered[topic])
        return family


@contextmanager
def served(metrics: Collector, host: str, port: int, checks: Mapping[str, Check]) -> Iterator[None]:
    """Serve metrics at /metrics, and checks, until the block ends; port 0 serves none."""
    if not port:
        yield
        return
    registry = CollectorRegistry(auto_describe=False)
    registry.register(metrics)
    registry.register(logs.LINES)
    with closing(health_server.start(host, port, checks, registry, setting="--metrics-port")):
        yield

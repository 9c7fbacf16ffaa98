"""What Prometheus sees of a producer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from flows import health_server
from flows.errors import SettingsError
from flows.health_server import Check
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
        yield self._delivered("events", "Events delivered.", project.topic)
        if project.label is not None:
            yield self._delivered("labels", "Labels delivered later.", project.labels_topic)
        yield self._delivered("changes", "Changes told.", changes_topic(project))
        failures = CounterMetricFamily(
            "realtime_produce_failures", "Messages not delivered.", labels=["topic"]
        )
        failures.add_metric([project.topic], self._sender.failed)
        yield failures
        rate = GaugeMetricFamily(
            "realtime_producer_rate", "Events a second asked for; 0 is no limit.", labels=["topic"]
        )
        rate.add_metric([project.topic], 0.0 if status.state == "paused" else status.rate)
        yield rate

    def _delivered(self, what: str, text: str, topic: str) -> Metric:
        family = CounterMetricFamily(f"realtime_produced_{what}", text, labels=["topic"])
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
    try:
        server = health_server.start(host, port, checks, registry)
    except OSError as error:
        raise SettingsError(f"--metrics-port {port}: {error.strerror}; give another") from None
    try:
        yield
    finally:
        server.close()

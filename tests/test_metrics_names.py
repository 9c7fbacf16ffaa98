"""Metrics keep to the registry of names, and the registry to Prometheus' conventions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from api.instruments import Instruments as ApiInstruments
from api.instruments import ModelCollector
from dashboard.instruments import Instruments as DashboardInstruments
from flows import logs, measures
from flows.measures import Measure
from flows.projects import fraud
from flows.settings import Settings
from flows.stores.production import ProducerStatus
from flows.streaming import instruments as flow_instruments
from scripts.batch_worker import Instruments as BatchInstruments
from scripts.kafka import Sender
from scripts.produce_metrics import ProducerMetrics
from scripts.stop import Stop

ROOT = Path(__file__).parents[1]
EVERY = {one.name: one for part in measures.PARTS.values() for one in part}
UNITS = ("_seconds", "_bytes", "_ratio", "_total", "_info", "_messages")
UNITLESS = {
    "realtime_events_learned",
    "realtime_pending_predictions",
    "realtime_model_score",
    "realtime_challenger_score",
    "realtime_main_score",
    "realtime_drift_alarms",
    "realtime_paused",
    "realtime_dashboard_sessions",
    "realtime_producer_rate",
    "realtime_batch_waiting",
    "realtime_batch_running",
}
"""Counts of things and switches, which have no unit."""


@pytest.mark.parametrize("measure", EVERY.values(), ids=EVERY)
def test_names_keep_to_the_conventions(measure: Measure) -> None:
    assert re.fullmatch(r"(realtime|http)_[a-z0-9_]+[a-z0-9]", measure.name)
    assert measure.name.endswith("_total") == (measure.kind == "counter")
    assert measure.name.endswith(UNITS) or measure.name in UNITLESS
    if measure.kind in ("summary", "histogram"):
        assert measure.name.endswith("_duration_seconds")
    assert bool(measure.buckets) == (measure.kind == "histogram")
    assert list(measure.buckets) == sorted(set(measure.buckets))


@pytest.mark.parametrize("measure", EVERY.values(), ids=EVERY)
def test_texts_are_sentences_and_labels_are_words(measure: Measure) -> None:
    assert re.fullmatch(r"[A-Z].+[.]", measure.text)
    assert all(re.fullmatch(r"[a-z]+", label) for label in measure.labels)
    # Reserved, or told by Prometheus itself.
    assert not {"le", "quantile", "job", "instance"} & set(measure.labels)


def test_names_are_written_nowhere_else() -> None:
    quoted = re.compile(r'"((?:realtime|http)_[a-z_]+_(?:total|seconds|bytes|ratio|messages))"')
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for folder in ("flows", "api", "dashboard")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "measures.py"
        for name in quoted.findall(path.read_text(encoding="utf-8"))
    }
    assert found == set()


def _collected(*collectors: Collector) -> dict[str, Metric]:
    """Families of ours, by name; the client takes `_total` off the names of counters."""
    families = (family for each in collectors for family in each.collect())
    named = {f.name + "_total" * (f.type == "counter"): f for f in families}
    return {name: one for name, one in named.items() if name.startswith(("realtime_", "http_"))}


def _flow() -> dict[str, Metric]:
    flow_instruments.begin("some")
    return _collected(REGISTRY, logs.LINES)


def _api() -> dict[str, Metric]:
    return _collected(ApiInstruments().registry, ModelCollector([]))


def _dashboard() -> dict[str, Metric]:
    return _collected(DashboardInstruments().registry)


def _producer() -> dict[str, Metric]:
    status = ProducerStatus(
        time=0.0, state="running", profile="", rate=1.0, sent=0, failed=0, events_per_second=0.0,
        running={}, scenarios={}, drift=None, anomaly_rate=0.0,
    )  # fmt: skip
    sender = Sender(Settings(_env_file=None, kafka_bootstrap="127.0.0.1:1"), Stop())
    return _collected(ProducerMetrics(fraud.PROJECT, sender, lambda: status), logs.LINES)


def _batch() -> dict[str, Metric]:
    return _collected(BatchInstruments().registry)


@pytest.mark.parametrize("part", measures.PARTS)
def test_each_part_makes_all_that_is_registered_for_it(part: str) -> None:
    parts = {"flow": _flow, "api": _api, "dashboard": _dashboard, "producer": _producer}
    made = {**parts, "batch": _batch}[part]()
    registered = {one.name: one for one in measures.PARTS[part]}
    assert made.keys() == registered.keys()
    for name, family in made.items():
        assert family.type == registered[name].kind
        assert family.documentation == registered[name].text


def test_series_are_what_prometheus_stores() -> None:
    made = Measure("a_duration_seconds", "histogram", "Time.", ("x",), (1.0,))
    registry = CollectorRegistry()
    made.histogram(registry).labels("1").observe(0.5)
    stored = {sample.name for family in registry.collect() for sample in family.samples}
    assert set(made.series) == {name for name in stored if not name.endswith("_created")}

"""Every metric of ours that Prometheus sees: the one place where their names are.

Instruments are made from these, dashboards and alerts may name no others. Units are base units and
counters end in `_total`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, Summary
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

Kind = Literal["counter", "gauge", "summary", "histogram"]

SUFFIXES: dict[Kind, tuple[str, ...]] = {
    "counter": ("",),
    "gauge": ("",),
    "summary": ("_sum", "_count"),
    "histogram": ("_sum", "_count", "_bucket"),
}


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric: what it is called, what kind it is, what it tells, by which labels.

    `buckets` are a histogram's, in its unit. Labels hold only what is bounded: never an id.
    """

    name: str
    kind: Kind
    text: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def series(self) -> Iterator[str]:
        """The names of its samples."""
        return (self.name + suffix for suffix in SUFFIXES[self.kind])

    def counter(self, registry: CollectorRegistry = REGISTRY) -> Counter:
        """Make the counter."""
        return Counter(self.name, self.text, self.labels, registry=registry)

    def gauge(self, registry: CollectorRegistry = REGISTRY) -> Gauge:
        """Make the gauge."""
        return Gauge(self.name, self.text, self.labels, registry=registry)

    def summary(self, registry: CollectorRegistry = REGISTRY) -> Summary:
        """Make the summary."""
        return Summary(self.name, self.text, self.labels, registry=registry)

    def histogram(self, registry: CollectorRegistry = REGISTRY) -> Histogram:
        """Make the histogram."""
        return Histogram(self.name, self.text, self.labels, registry=registry, buckets=self.buckets)

    def counted(self) -> CounterMetricFamily:
        """A counter whose values are read when somebody asks."""
        return CounterMetricFamily(self.name, self.text, labels=self.labels)

    def gauged(self) -> GaugeMetricFamily:
        """A gauge whose values are read when somebody asks."""
        return GaugeMetricFamily(self.name, self.text, labels=self.labels)


_P = ("project",)
_SHARD = ("project", "shard")
_REQUEST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_QUERY = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_JOB = (1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600)
_MODEL = (5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 1e-2, 0.1)

LOG_LINES = Measure(
    "realtime_log_lines_total", "counter", "Lines logged as warnings and errors.", ("level",)
)

EVENTS = Measure("realtime_events_total", "counter", "Events taken in.", _P)
OUTCOMES = Measure(
    "realtime_outcomes_total", "counter", "What became of predictions.", ("project", "outcome")
)
DEAD_LETTERS = Measure(
    "realtime_dead_letters_total", "counter", "Messages refused.", ("project", "reason")
)
LAST_EVENT = Measure(
    "realtime_last_event_timestamp_seconds", "gauge", "When an event was last taken in.", _P
)
LAG = Measure("realtime_lag_messages", "gauge", "Messages not read yet.", ("project", "source"))
EVENTS_LEARNED = Measure("realtime_events_learned", "gauge", "Events learnt in all.", _SHARD)
PENDING = Measure("realtime_pending_predictions", "gauge", "Predictions without a label.", _SHARD)
LABELLED = Measure(
    "realtime_labelled_ratio", "gauge", "Of predictions old enough, those with a label.", _SHARD
)
MODEL_SCORE = Measure(
    "realtime_model_score", "gauge", "Test-then-train metrics.", ("project", "shard", "metric")
)
CHALLENGER_SCORE = Measure(
    "realtime_challenger_score",
    "gauge",
    "Test-then-train metrics of what runs beside the model.",
    ("project", "shard", "challenger", "metric"),
)
MAIN_SCORE = Measure(
    "realtime_main_score",
    "gauge",
    "The metric by which the project is judged; `better` is more or less.",
    ("project", "shard", "metric", "better"),
)
LEAD = Measure(
    "realtime_model_lead_ratio",
    "gauge",
    "By how much of its score the model is better than a challenger; below 0 it is worse.",
    ("project", "shard", "challenger"),
)
DRIFT_ALARMS = Measure("realtime_drift_alarms", "gauge", "Drift alarms in all.", _SHARD)
LAST_DRIFT = Measure(
    "realtime_last_drift_timestamp_seconds",
    "gauge",
    "Event time of the last drift alarm, by what was watched.",
    ("project", "shard", "watched"),
)
MODEL_BYTES = Measure("realtime_model_bytes", "gauge", "Size of the published model.", _SHARD)
STATE_BYTES = Measure("realtime_state_bytes", "gauge", "Size of the last snapshot.", _P)
STEP = Measure(
    "realtime_step_duration_seconds",
    "summary",
    "Time a step took, by what it did.",
    ("project", "step"),
)
MODEL_WORK = Measure(
    "realtime_model_work_duration_seconds",
    "histogram",
    "Time a model took to predict or to learn one event, of a few events a second.",
    ("project", "work"),
    _MODEL,
)
LAST_EPOCH = Measure(
    "realtime_last_epoch_timestamp_seconds",
    "gauge",
    "When an epoch was last closed; at first, when the flow started.",
)
PAUSED = Measure("realtime_paused", "gauge", "Whether the flow is told to pause.", _P)
FLOW = (
    *(EVENTS, OUTCOMES, DEAD_LETTERS, LAST_EVENT, LAG, EVENTS_LEARNED, PENDING, LABELLED),
    *(MODEL_SCORE, CHALLENGER_SCORE, MAIN_SCORE, LEAD, DRIFT_ALARMS, LAST_DRIFT),
    *(MODEL_BYTES, STATE_BYTES, STEP, MODEL_WORK, LAST_EPOCH, PAUSED, LOG_LINES),
)

REQUESTS = Measure(
    "http_requests_total", "counter", "Requests answered.", ("method", "handler", "status")
)
REQUEST = Measure(
    "http_request_duration_seconds",
    "histogram",
    "Time until the answer's end.",
    ("method", "handler"),
    _REQUEST,
)
PREDICTIONS = Measure(
    "realtime_predictions_total",
    "counter",
    "Predictions given, by where the model came from.",
    ("project", "source"),
)
MODEL_INFO = Measure(
    "realtime_model_info",
    "gauge",
    "The model that serves.",
    ("project", "shard", "version", "alias", "source"),
)
MODEL_AGE = Measure("realtime_model_age_seconds", "gauge", "Time since it was published.", _SHARD)
MODEL_REFUSED = Measure(
    "realtime_model_refused_total",
    "counter",
    "Published models that were not loaded.",
    ("project", "reason"),
)
SQL_QUERIES = Measure(
    "realtime_sql_queries_total", "counter", "SQL queries, by how they ended.", ("engine", "end")
)
SQL_QUERY = Measure(
    "realtime_sql_duration_seconds", "histogram", "Time a query took.", ("engine",), _QUERY
)
API = (
    *(REQUESTS, REQUEST, PREDICTIONS, MODEL_INFO, MODEL_AGE, MODEL_REFUSED),
    *(SQL_QUERIES, SQL_QUERY, LOG_LINES),
)

SESSIONS = Measure("realtime_dashboard_sessions", "gauge", "Pages that are open.")
READS = Measure(
    "realtime_dashboard_reads_total", "counter", "Requests to the API, by their end.", ("end",)
)
READ = Measure(
    "realtime_dashboard_read_duration_seconds",
    "histogram",
    "Time until the API answered.",
    (),
    _REQUEST,
)
DASHBOARD = (SESSIONS, READS, READ, LOG_LINES)

PRODUCED_EVENTS = Measure(
    "realtime_produced_events_total", "counter", "Events delivered.", ("topic",)
)
PRODUCED_LABELS = Measure(
    "realtime_produced_labels_total", "counter", "Labels delivered later.", ("topic",)
)
PRODUCED_CHANGES = Measure(
    "realtime_produced_changes_total", "counter", "Changes told.", ("topic",)
)
PRODUCE_FAILURES = Measure(
    "realtime_produce_failures_total", "counter", "Messages not delivered.", ("topic",)
)
PRODUCER_RATE = Measure(
    "realtime_producer_rate", "gauge", "Events a second asked for; 0 is no limit.", ("topic",)
)
PRODUCER = (
    *(PRODUCED_EVENTS, PRODUCED_LABELS, PRODUCED_CHANGES, PRODUCE_FAILURES, PRODUCER_RATE),
    LOG_LINES,
)

BATCH_JOBS = Measure(
    "realtime_batch_jobs_total", "counter", "Jobs that ended.", ("project", "kind", "end")
)
BATCH_JOB = Measure(
    "realtime_batch_job_duration_seconds",
    "histogram",
    "Time a job took.",
    ("project", "kind"),
    _JOB,
)
BATCH_WAITING = Measure("realtime_batch_waiting", "gauge", "Jobs that wait for a worker.")
BATCH_OLDEST = Measure(
    "realtime_batch_oldest_seconds", "gauge", "For how long the next job has been waiting."
)
BATCH_RUNNING = Measure("realtime_batch_running", "gauge", "Whether a job is being done.")
BATCH_LAST_LOOK = Measure(
    "realtime_batch_last_look_timestamp_seconds", "gauge", "When the worker last looked for work."
)
BATCH = (
    *(BATCH_JOBS, BATCH_JOB, BATCH_WAITING, BATCH_OLDEST, BATCH_RUNNING, BATCH_LAST_LOOK),
    LOG_LINES,
)

PARTS: dict[str, tuple[Measure, ...]] = {
    "flow": FLOW,
    "api": API,
    "dashboard": DASHBOARD,
    "producer": PRODUCER,
    "batch": BATCH,
}
"""What each part of the platform measures."""

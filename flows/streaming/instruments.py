"""What Prometheus sees of a flow."""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Summary

from flows.streaming.messages import Decoded, Learned, Publication

EVENTS = Counter("realtime_events", "Events taken in.", ["project"])
OUTCOMES = Counter("realtime_outcomes", "What became of predictions.", ["project", "outcome"])
DEAD_LETTERS = Counter("realtime_dead_letters", "Messages refused.", ["project", "reason"])
LAST_EVENT = Gauge(
    "realtime_last_event_timestamp_seconds", "When an event was last taken in.", ["project"]
)
LAST_EPOCH = Gauge("realtime_last_epoch_timestamp_seconds", "When an epoch last closed.")
LAG = Gauge("realtime_lag_messages", "Messages not read yet.", ["project", "source"])
EVENTS_LEARNED = Gauge("realtime_events_learned", "Events learnt in all.", ["project", "shard"])
PENDING = Gauge(
    "realtime_pending_predictions", "Predictions without a label.", ["project", "shard"]
)
SCORE = Gauge("realtime_model_score", "Test-then-train metrics.", ["project", "shard", "metric"])
CHALLENGER_SCORE = Gauge(
    "realtime_challenger_score",
    "Test-then-train metrics of what runs beside the model.",
    ["project", "shard", "challenger", "metric"],
)
ALARMS = Gauge("realtime_drift_alarms", "Drift alarms in all.", ["project", "shard"])
LAST_ALARM = Gauge(
    "realtime_last_drift_timestamp_seconds",
    "Event time of the last drift alarm, by what was watched.",
    ["project", "shard", "watched"],
)
MODEL_BYTES = Gauge("realtime_model_bytes", "Size of the published model.", ["project", "shard"])
STATE_BYTES = Gauge("realtime_state_bytes", "Size of the last snapshot.", ["project"])
STEP_SECONDS = Summary(
    "realtime_step_duration_seconds", "Time a step took, by what it did.", ["project", "step"]
)


@contextmanager
def timed(project: str, step: str) -> Iterator[None]:
    """Add the time of a block to a step."""
    started = time.perf_counter()
    try:
        yield
    finally:
        STEP_SECONDS.labels(project, step).observe(time.perf_counter() - started)


def count_decoded(project: str, decoded: Decoded) -> None:
    """Count what was refused, and how much is left to read."""
    for rejected in decoded.rejected:
        DEAD_LETTERS.labels(project, rejected.reason).inc()
    if decoded.lag is not None:
        LAG.labels(project, str(decoded.source)).set(decoded.lag)


def count_learned(project: str, learned: Learned) -> None:
    """Count events and outcomes."""
    if learned.events:
        EVENTS.labels(project).inc(len(learned.events))
        LAST_EVENT.labels(project).set_to_current_time()
    statuses = Tally(row.status for row in learned.outcomes)
    for status, count in statuses.items():
        OUTCOMES.labels(project, status).inc(count)
    if learned.publication:
        _show(project, learned.publication)


def _show(project: str, publication: Publication) -> None:
    facts, shard = publication.facts, str(publication.facts.shard)
    EVENTS_LEARNED.labels(project, shard).set(facts.events_learned)
    PENDING.labels(project, shard).set(facts.counts["pending"])
    MODEL_BYTES.labels(project, shard).set(len(publication.model))
    for name, value in facts.metrics.items():
        SCORE.labels(project, shard, name).set(value)
    for challenger, metrics in facts.challengers.items():
        for name, value in metrics.items():
            CHALLENGER_SCORE.labels(project, shard, challenger, name).set(value)
    ALARMS.labels(project, shard).set(facts.counts["alarms"])
    for alarm in facts.alarms:
        LAST_ALARM.labels(project, shard, alarm["watched"]).set(alarm["time"])

"""What Prometheus sees of a flow: set once per poll, never once per event."""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Iterator
from contextlib import contextmanager
from typing import get_args

from flows import measures
from flows.learning.batch_challenger import BATCH
from flows.learning.state import Status
from flows.projects.spec import Project
from flows.stores.live import Facts
from flows.streaming.messages import Decoded, Learned, Publication

EVENTS = measures.EVENTS.counter()
OUTCOMES = measures.OUTCOMES.counter()
DEAD_LETTERS = measures.DEAD_LETTERS.counter()
LAST_EVENT = measures.LAST_EVENT.gauge()
LAG = measures.LAG.gauge()
EVENTS_LEARNED = measures.EVENTS_LEARNED.gauge()
PENDING = measures.PENDING.gauge()
LABELLED = measures.LABELLED.gauge()
MODEL_SCORE = measures.MODEL_SCORE.gauge()
CHALLENGER_SCORE = measures.CHALLENGER_SCORE.gauge()
MAIN_SCORE = measures.MAIN_SCORE.gauge()
LEAD = measures.LEAD.gauge()
DRIFT_ALARMS = measures.DRIFT_ALARMS.gauge()
LAST_DRIFT = measures.LAST_DRIFT.gauge()
MODEL_BYTES = measures.MODEL_BYTES.gauge()
STATE_BYTES = measures.STATE_BYTES.gauge()
STEP = measures.STEP.summary()
MODEL_WORK = measures.MODEL_WORK.histogram()
LAST_EPOCH = measures.LAST_EPOCH.gauge()
PAUSED = measures.PAUSED.gauge()

REASONS = ("invalid", "undecodable")

# A score of nothing would make every lead over it infinite.
LEAST_SCORE = 1e-9


def begin(project: str) -> None:
    """Show from the start what may happen: what comes with its first count has no rise."""
    EVENTS.labels(project)
    for outcome in get_args(Status):
        OUTCOMES.labels(project, outcome)
    for reason in REASONS:
        DEAD_LETTERS.labels(project, reason)
    PAUSED.labels(project).set(0)
    LAST_EPOCH.set_to_current_time()


@contextmanager
def timed(project: str, step: str) -> Iterator[None]:
    """Add the time of a block to a step."""
    started = time.perf_counter()
    try:
        yield
    finally:
        STEP.labels(project, step).observe(time.perf_counter() - started)


def count_decoded(project: str, decoded: Decoded) -> None:
    """Count what was refused, and how much is left to read."""
    for rejected in decoded.rejected:
        DEAD_LETTERS.labels(project, rejected.reason).inc()
    if decoded.lag is not None:
        LAG.labels(project, str(decoded.source)).set(decoded.lag)


def count_learned(project: Project, learned: Learned) -> None:
    """Count events and outcomes, and show what a publication tells of the model."""
    if learned.events:
        EVENTS.labels(project.slug).inc(len(learned.events))
        LAST_EVENT.labels(project.slug).set_to_current_time()
    for status, count in Tally(row.status for row in learned.outcomes).items():
        OUTCOMES.labels(project.slug, status).inc(count)
    if learned.publication:
        _show(project, learned.publication)


def _show(project: Project, publication: Publication) -> None:
    facts = publication.facts
    place = project.slug, str(facts.shard)
    EVENTS_LEARNED.labels(*place).set(facts.events_learned)
    PENDING.labels(*place).set(facts.counts["pending"])
    MODEL_BYTES.labels(*place).set(len(publication.model))
    DRIFT_ALARMS.labels(*place).set(facts.counts["alarms"])
    for alarm in facts.alarms:
        LAST_DRIFT.labels(*place, alarm["watched"]).set(alarm["time"])
    if facts.labels and facts.labels.share is not None:
        LABELLED.labels(*place).set(facts.labels.share)
    for name, value in facts.metrics.items():
        MODEL_SCORE.labels(*place, name).set(value)
    for challenger, metrics in facts.challengers.items():
        for name, value in metrics.items():
            CHALLENGER_SCORE.labels(*place, challenger, name).set(value)
    _judge(project, place, facts)


def _judge(project: Project, place: tuple[str, str], facts: Facts) -> None:
    """Show the metric that counts, and by how much of it each challenger is beaten.

    A batch model is compared on those events on which it was tested.
    """
    challengers, name = facts.challengers, project.score
    own = facts.metrics.get(name)
    if own is None:
        return
    more = project.task.maximize(name)
    MAIN_SCORE.labels(*place, name, "more" if more else "less").set(own)
    # Who was a challenger may have become the model.
    for labels in [key for key in _leads(place) if key[2] not in challengers]:
        LEAD.remove(*labels)
    for challenger, theirs in challengers.items():
        ours = facts.batch.online.get(name) if challenger == BATCH and facts.batch else own
        if name in theirs and ours is not None:
            ahead = ours - theirs[name] if more else theirs[name] - ours
            LEAD.labels(*place, challenger).set(ahead / max(abs(theirs[name]), LEAST_SCORE))


def _leads(place: tuple[str, str]) -> Iterator[tuple[str, str, str]]:
    for family in LEAD.collect():
        for sample in family.samples:
            labels = sample.labels
            if (labels["project"], labels["shard"]) == place:
                yield *place, labels["challenger"]

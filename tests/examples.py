"""A small project, real fraud events, and messages made of them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from river import naive_bayes

from flows.learning.learner import Learner, Outcome
from flows.learning.tasks.binary import BinaryClassification
from flows.projects import fraud
from flows.projects.spec import Project
from scripts import streams

START = 1_767_225_600.0
"""2026-01-01 in seconds since 1970."""


class Visit(msgspec.Struct, frozen=True):
    """An event with little in it."""

    visit_id: str
    user_id: str
    timestamp: datetime
    pages: float
    bought: int | None = None


def visit_features(visit: Visit) -> dict[str, Any]:
    return {"pages": visit.pages}


VISITS = Project(
    slug="visits",
    title="Visits",
    topic="visits",
    task=BinaryClassification(),
    event=Visit,
    event_id="visit_id",
    entity="user_id",
    label="bought",
    features=visit_features,
    model=naive_bayes.GaussianNB,
    score="F1",
)


def visit(number: int | str, pages: float = 1.0, bought: int | None = None) -> Visit:
    return Visit(str(number), "user", datetime.fromtimestamp(START, UTC), pages, bought)


def visits(count: int, seed: int = 0) -> list[tuple[Visit, int]]:
    """Visits without their label, and their labels: buyers look at more pages."""
    rng = random.Random(seed)
    labels = [int(rng.random() < 0.3) for _ in range(count)]
    return [(visit(i, rng.gauss(2.0 * label, 1.0)), label) for i, label in enumerate(labels)]


def waiting_at_most(project: Project, horizon: timedelta, max_pending: int = 10_000) -> Project:
    return replace(project, horizon=horizon, max_pending=max_pending)


def fraud_values(
    count: int, *, seed: int = 0, fraud_probability: float = 0.1
) -> Iterator[dict[str, Any]]:
    """JSON-ready fraud events; frauds are common, so that a few events have enough of them."""
    options: dict[str, Any] = {"fraud_probability": fraud_probability}
    return streams.events("fraud", count=count, seed=seed, **options)


def fraud_events(
    count: int, *, seed: int = 0, fraud_probability: float = 0.1
) -> list[fraud.Transaction]:
    values = fraud_values(count, seed=seed, fraud_probability=fraud_probability)
    return [msgspec.convert(value, fraud.Transaction) for value in values]


def without_label(event: fraud.Transaction) -> fraud.Transaction:
    return msgspec.structs.replace(event, is_fraud=None)


def matched(outcomes: Sequence[Outcome]) -> set[tuple[str, Any]]:
    return {(one.event_id, one.label) for one in outcomes if one.status == "matched"}


def feed(learner: Learner, events: Sequence[Any], first: int = 0) -> list[Any]:
    """Let a learner observe events a second apart; returns predictions."""
    return [learner.observe(event, START + first + i)[0] for i, event in enumerate(events)]

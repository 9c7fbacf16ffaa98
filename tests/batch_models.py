"""A lake of labelled transactions, and a model that is trained from it in a second."""

from __future__ import annotations

from pathlib import Path

from flows.batch.order import Order, silent
from flows.batch.training import Trained, train
from flows.projects import fraud
from flows.projects.fraud import Transaction
from flows.settings import Settings
from tests import batch_parts

PROJECT = fraud.PROJECT
ROWS = 1_500
QUICK = "logistic_regression"


def transactions(count: int, seed: int = 0, first: int = 0) -> list[Transaction]:
    """Generated transactions, with their labels; more frauds than in life."""
    options = {"seed": seed, "fraud_probability": 0.1}
    return batch_parts.drawn(PROJECT, first + count, **options)[first:]


def lake_at(folder: Path) -> Settings:
    """Settings of a lake with ROWS transactions, and of nothing else that is there."""
    return batch_parts.lake(folder, PROJECT, transactions(ROWS))


def trained(settings: Settings) -> Trained:
    """A model of the lake's transactions."""
    return train(PROJECT, settings, Order(model=QUICK), silent)

"""A project with challengers, and the command that promotes one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
from river import dummy, naive_bayes

from flows.learning.state import Change
from tests.examples import VISITS

HAND = Change(5, "promotion", "somebody", "because", 1.0)


def prior() -> Any:
    return dummy.PriorClassifier()


HANDED = replace(VISITS, challengers={"prior": prior, "bayes": naive_bayes.GaussianNB})


def hand(name: str) -> Change:
    """The promotion of a challenger by hand."""
    return msgspec.structs.replace(HAND, challenger=name)

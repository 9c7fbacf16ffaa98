"""Log every exception of a step where it happens.

In a cluster of processes Bytewax ends with a panic that does not name the exception, and it closes
sinks after a failure just as it does at the end of the input.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from bytewax.inputs import AbortExecution

P = ParamSpec("P")
R = TypeVar("R")

_log = logging.getLogger("flows")
_failed = threading.Event()


def guarded(function: Callable[P, R]) -> Callable[P, R]:
    """Log what `function` raises, with its traceback, remember it, and raise it again."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (StopIteration, AbortExecution):
            raise
        except BaseException:
            _failed.set()
            _log.exception("step failed in %s", function.__qualname__)
            raise

    return call


def has_failed() -> bool:
    """Has any step of this process failed?"""
    return _failed.is_set()

"""Log every exception of a step where it happens.

In a cluster of processes Bytewax ends with a panic that does not name the exception.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from bytewax.inputs import AbortExecution

P = ParamSpec("P")
R = TypeVar("R")

_log = logging.getLogger("flows")


def guarded(function: Callable[P, R]) -> Callable[P, R]:
    """Log what `function` raises, with its traceback, and raise it again."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (StopIteration, AbortExecution):
            raise
        except BaseException:
            _log.exception("step failed in %s", function.__qualname__)
            raise

    return call

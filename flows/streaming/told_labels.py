"""Labels for whoever predicted the same events: off the worker's path, and only if there are any.

Who serves predictions keeps them in Redis until their labels come, and a flow knows every label,
however it came. It holds those of the last seconds, since a prediction may be written a moment
after its event was learnt; then it leaves them in Redis, except those of what nobody predicted.

At-most-once: a flow that is killed may leave labels of its last seconds untold.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from flows.errors import StoreError
from flows.stores.predictions import PredictionStore
from flows.streaming.messages import OutcomeRow

HELD_SECONDS = 2.0
LOOK_SECONDS = 0.5
MOST_HELD = 100_000
AT_A_TIME = 1_000

_log = logging.getLogger("flows")


class ToldLabels:
    """A thread that tells of labels; what does not fit while Redis is away is let go."""

    def __init__(self, store: PredictionStore) -> None:
        self._store = store
        self._held: deque[tuple[float, Sequence[OutcomeRow]]] = deque()
        self._count = 0
        self._changing = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="labels", daemon=True)
        self._thread.start()

    def add(self, outcomes: Sequence[OutcomeRow]) -> None:
        """Take what a poll settled; returns at once."""
        if not outcomes:
            return
        with self._changing:
            self._held.append((time.monotonic(), outcomes))
            self._count += len(outcomes)
            while self._count > MOST_HELD:
                self._drop_oldest()

    def stop(self, seconds: float) -> None:
        """Tell of what is held, if that takes no longer."""
        self._stopped.set()
        self._thread.join(seconds)

    def _drop_oldest(self) -> None:
        _, outcomes = self._held.popleft()
        self._count -= len(outcomes)

    def _run(self) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            self._tell(time.monotonic() - HELD_SECONDS)
        self._tell(time.monotonic())

    def _tell(self, until: float) -> None:
        """Tell of what has been held since before then; it stays when Redis does not answer."""
        try:
            while self._held and self._held[0][0] <= until:
                first = self._held[0]
                self._tell_of(first[1])
                with self._changing:
                    if self._held and self._held[0] is first:
                        self._drop_oldest()
        except StoreError as error:
            _log.debug("labels are told later: %s", error)
        except Exception:
            _log.exception("telling of labels")

    def _tell_of(self, outcomes: Sequence[OutcomeRow]) -> None:
        if not self._store.is_empty():
            for first in range(0, len(outcomes), AT_A_TIME):
                self._store.label(_labels(outcomes[first : first + AT_A_TIME]))


def _labels(outcomes: Sequence[OutcomeRow]) -> list[tuple[str, Any]]:
    return [(row.event_id, row.label) for row in outcomes if row.status == "matched"]

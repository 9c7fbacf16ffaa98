"""What the flow is told to do, asked of Redis beside the worker so that it never waits for it."""

from __future__ import annotations

import logging
import threading

from flows.errors import StoreError
from flows.stores.live import LiveStore
from flows.streaming import instruments

_log = logging.getLogger("flows")


class WantedState:
    """Follows the wanted state once a second; while Redis is silent the last one known holds."""

    def __init__(self, store: LiveStore, stop: threading.Event) -> None:
        self._paused = False
        self._store = store
        self._stop = stop
        threading.Thread(target=self._follow, name="wanted", daemon=True).start()

    def is_paused(self) -> bool:
        """Should the source leave messages where they are?"""
        return self._paused

    def _follow(self) -> None:
        while True:
            try:
                paused = self._store.wanted() == "paused"
            except StoreError as error:
                _log.debug("%s", error)
            else:
                if paused != self._paused:
                    _log.info("the flow is told to %s", "pause" if paused else "run")
                self._paused = paused
                instruments.PAUSED.labels(self._store.project).set(paused)
            if self._stop.wait(1.0):
                return

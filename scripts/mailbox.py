"""Hears a producer's commands and tells its status, beside its work."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Self

from flows.errors import StoreError
from flows.stores.connection import connect
from flows.stores.production import CHANGES_KEPT, Command, ProducerStatus, ProductionStore
from scripts.streams import Change

SECONDS_BETWEEN_LOOKS = 1.0

log = logging.getLogger("produce")


class Mailbox:
    """Asks Redis for commands once a second, from a thread of its own.

    Works without Redis too: then there are no commands, and it goes on asking. Commands from
    before the start are not obeyed.
    """

    def __init__(self, url: str, project: str, status: Callable[[], ProducerStatus]) -> None:
        self._client = connect(url)
        self._store = ProductionStore(self._client, project)
        self._status = status
        self._received: SimpleQueue[Command] = SimpleQueue()
        self._changes: deque[Change] = deque(maxlen=CHANGES_KEPT)
        self._place: str | None = None
        self._reachable = True
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mailbox", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join(SECONDS_BETWEEN_LOOKS)
        self._client.close()

    def received(self) -> Iterator[Command]:
        """Give each command once; never waits."""
        while not self._received.empty():
            try:
                yield self._received.get_nowait()
            except Empty:
                return

    def tell(self, change: Change) -> None:
        """Let readers know of a change of the stream, soon; never waits."""
        self._changes.append(change)

    def _run(self) -> None:
        while True:
            try:
                self._look()
            except StoreError as error:
                self._tell_of(error)
            else:
                self._reachable = True
            if self._closing.wait(SECONDS_BETWEEN_LOOKS):
                return

    def _look(self) -> None:
        if self._place is None:
            self._place = self._store.newest()
        for place, command in list(self._store.commands(self._place)):
            self._place = place
            if command is not None:
                self._received.put(command)
        while self._changes:
            change = self._changes[0]
            self._store.note(change.what, change.event_number, change.details)
            self._changes.popleft()
        self._store.report(self._status())

    def _tell_of(self, error: StoreError) -> None:
        if self._reachable:
            log.warning("%s; going on without commands until it answers", error)
        self._reachable = False

"""Sending the events of one project, as it is told to."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from flows.health_server import Check
from flows.projects.spec import Project
from flows.stores.production import ProducerStatus
from scripts.change_log import Chronicle, changes_topic
from scripts.kafka import Record, Sender
from scripts.late_labels import LateLabels
from scripts.pace import Pace
from scripts.records import Read
from scripts.steering import Steering
from scripts.stop import Stop
from scripts.streams import Controls

if TYPE_CHECKING:
    from scripts.mailbox import Mailbox

PROGRESS_SECONDS = 10.0
RATE_SECONDS = 10.0
# Longer than Kafka may be away before sending fails, which ends the process by itself.
STALL_SECONDS = 120.0

log = logging.getLogger("produce")


class Production:
    """Sends events at a pace, obeys commands between them, and tells how it goes.

    `controls` are those of the generated stream; None for events of a file.
    """

    def __init__(
        self,
        project: Project,
        sender: Sender,
        stop: Stop,
        rate: float,
        controls: Controls | None = None,
        profile: str = "",
    ) -> None:
        self.pace = Pace(rate, self.tick)
        self.steering = Steering(self.pace, controls)
        self.mailbox: Mailbox | None = None
        self.chronicle: Chronicle | None = None
        self._project = project
        self._sender = sender
        self._stop = stop
        self._profile = profile
        self._started = self._told = self._turned = time.monotonic()
        self._sent = 0
        self._counts = deque([(self._started, 0)], maxlen=int(RATE_SECONDS))

    def run(self, reads: Iterator[Read], late: LateLabels | None = None) -> None:
        """Send until the reads end or a stop is requested. Raises BrokerError if sending fails."""
        self._started = self._told = time.monotonic()
        self.pace.change(self.pace.rate)
        try:
            self._send_all(reads, late)
        finally:
            self._sender.finish()

    def tick(self, seconds: float = 0.0) -> None:
        """Spend a moment hearing of deliveries and commands; log progress now and then."""
        self._sender.poll(seconds)
        self._turned = time.monotonic()
        if self.mailbox is not None:
            for command in self.mailbox.received():
                self.steering.obey(command)
        self.steering.tick()
        if time.monotonic() - self._told >= PROGRESS_SECONDS:
            self._tell()

    def summary(self) -> dict[str, float]:
        """What was delivered until now."""
        events = self._sender.delivered[self._project.topic]
        seconds = max(time.monotonic() - self._started, 1e-9)
        return {
            "events": events,
            "labels": self._sender.delivered[self._project.labels_topic],
            "failed": self._sender.failed,
            "seconds": round(seconds, 3),
            "events_per_second": round(events / seconds, 1),
        }

    def status(self) -> ProducerStatus:
        """What it does now; called once a second, from any thread."""
        now, sent = time.monotonic(), self._sent
        then, before = self._counts[0]
        self._counts.append((now, sent))
        return ProducerStatus(
            time=time.time(),
            state="paused" if self.pace.paused else "running",
            profile=self._profile,
            rate=self.pace.rate,
            sent=sent,
            failed=self._sender.failed,
            events_per_second=round((sent - before) / max(now - then, 1e-9), 1),
            refused=self.steering.refused,
            **self.steering.stream,
        )

    def checks(self) -> dict[str, Check]:
        """Does it send, or wait because it was told to; does it still turn at all."""
        return {"/readyz": self._unready, "/healthz": self._stalled}

    def _unready(self) -> str:
        delivered = self._sender.delivered[self._project.topic]
        return "" if delivered or self.pace.paused else "nothing has been delivered yet"

    def _stalled(self) -> str:
        age = time.monotonic() - self._turned
        return f"it has done nothing for {age:.0f} s" * (age > STALL_SECONDS)

    def _tell(self) -> None:
        self._told = time.monotonic()
        log.info("%(events)d events, %(labels)d labels, %(events_per_second)g/s", self.summary())
        if self.chronicle is not None:
            self.chronicle.flush()

    def _send_all(self, reads: Iterator[Read], late: LateLabels | None) -> None:
        while not self._stop.requested:
            if not self.pace.due():
                continue
            read = next(reads, None)
            if read is None:
                break
            self._send(read, late)
            self.tick()
        if late and not self._stop.requested:
            self._send_labels(late.rest())

    def _send(self, read: Read, late: LateLabels | None) -> None:
        record = read.record
        if late:
            self._send_labels(late.due())
            record = late.withhold(read)
        if self.chronicle is not None:
            for change, told in self.chronicle.note(read):
                self._sender.send(changes_topic(self._project), told)
                if self.mailbox is not None:
                    self.mailbox.tell(change)
        self._sender.send(self._project.topic, record)
        self._sent += 1

    def _send_labels(self, labels: Iterator[Record]) -> None:
        for record in labels:
            self._sender.send(self._project.labels_topic, record)

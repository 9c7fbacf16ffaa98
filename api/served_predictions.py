"""What was served, kept until its label comes, and then scored: off the path of every answer.

A thread writes to Redis what requests hand over through a bounded queue. While Redis is away what
does not fit is let go; nobody waits for it.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import redis

from api.serving import load
from flows.errors import CodecError, StoreError
from flows.learning.codec import dumps
from flows.learning.task import Metrics
from flows.projects.spec import Project
from flows.stores.predictions import PredictionStore, Score, Scores, ServedPrediction

PAUSE_SECONDS = 0.05
SCORE_SECONDS = 1.0
MOST_QUEUED = 20_000
MOST_LABELS = 10_000
MOST_SCORED = 16
AT_A_TIME = 500
TRIES = 5
PATIENCE_SECONDS = 2.0

_log = logging.getLogger("api")

Tally = dict[str, tuple[int, Metrics]]
"""How many predictions each model has been scored on, and its metrics."""


class Ledger:
    """One project's part: predictions to be written, labels to be scored."""

    def __init__(self, project: Project, store: PredictionStore, key: bytes) -> None:
        self.project = project
        self.store = store
        self.told: Scores = {}
        self._key = key
        self._unwritten: list[ServedPrediction] = []
        self._labels: dict[str, Any] = {}
        self._tally: Tally = {}
        self._count = -1
        self._decode = msgspec.json.Decoder(project.task.prediction).decode

    def add(self, item: ServedPrediction | tuple[str, Any]) -> None:
        """Take a prediction, or an event's id with its label."""
        if isinstance(item, ServedPrediction):
            if len(self._unwritten) < MOST_QUEUED:
                self._unwritten.append(item)
        elif len(self._labels) < MOST_LABELS:
            self._labels.setdefault(*item)

    def write(self) -> None:
        """Keep what was predicted. Raises StoreError, and nothing is lost then."""
        while self._unwritten:
            self.store.keep(self._unwritten[:AT_A_TIME], time.time())
            del self._unwritten[:AT_A_TIME]

    def score(self) -> None:
        """Score what has been labelled, here or by the flow, and read the score.

        Raises StoreError.
        """
        for item in self.store.labels().items():
            self.add(item)
        while self._labels:
            event_ids = list(self._labels)[:AT_A_TIME]
            self._score(event_ids)
            for event_id in event_ids:
                del self._labels[event_id]
        self.told = self.store.told()

    def _score(self, event_ids: Sequence[str]) -> None:
        """Whoever else scores as well may be first; then their score is the one to go on from."""
        for _ in range(TRIES):
            records = [one for found in self.store.of(event_ids) for one in found]
            if not records:
                return
            self._remember()
            for record in records:
                self._update(record, self._labels[record.event_id])
            told = {
                alias: Score(n, metrics.values()) for alias, (n, metrics) in self._tally.items()
            }
            frame = dumps(self._tally, self._key)
            # Unknown until Redis has answered: on a failure it may hold either.
            count, self._count = self._count, -1
            if self.store.settle(count, frame, told, event_ids):
                self._count = count + 1
                return
        raise StoreError(f"{self.project.slug}: too many others score served predictions; later")

    def _remember(self) -> None:
        """Go on from what is in Redis; it is loaded only if somebody else wrote it."""
        count, frame = self.store.score()
        if count == self._count:
            return
        self._tally, self._count = {}, count
        if frame is not None:
            try:
                self._tally = load(frame, self._key)
            except CodecError as error:
                _log.warning("%s: the score begins anew: %s", self.project.slug, error)

    def _update(self, record: ServedPrediction, label: Any) -> None:
        if record.alias not in self._tally and len(self._tally) >= MOST_SCORED:
            return
        try:
            prediction = self._decode(msgspec.json.encode(record.prediction))
        except msgspec.ValidationError as error:  # of another version of this package
            _log.warning("%s: a prediction is not scored: %s", self.project.slug, error)
            return
        count, metrics = self._tally.get(record.alias) or (0, self.project.task.metrics())
        metrics.update(label, prediction, record.time)
        self._tally[record.alias] = (count + 1, metrics)


class ServedPredictions:
    """All projects' ledgers, kept by one thread."""

    def __init__(self, client: redis.Redis, projects: Mapping[str, Project], key: bytes) -> None:
        self.dropped = 0
        self._ledgers = {
            slug: Ledger(
                project, PredictionStore(client, slug, project.horizon.total_seconds()), key
            )
            for slug, project in projects.items()
        }
        self._queue: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name="served-predictions", daemon=True)

    def start(self) -> None:
        """Begin to keep."""
        self._thread.start()

    def stop(self) -> None:
        """Keep what there is and end; waits no longer than Redis takes to answer or to fail."""
        self._stopped.set()
        self._thread.join(timeout=10)

    def keep(self, slug: str, record: ServedPrediction) -> None:
        """Hand a prediction over; returns at once, whatever becomes of it.

        Where there are no labels to come, it is not kept.
        """
        if self._ledgers[slug].project.label is None:
            return
        if self._queue.qsize() < MOST_QUEUED:
            self._queue.put((slug, record))
        else:
            self.dropped += 1

    def label(self, slug: str, event_id: str, label: Any) -> None:
        """Hand a label over; what was served of its event is scored within about a second."""
        if self._queue.qsize() < MOST_QUEUED:
            self._queue.put((slug, (event_id, label)))

    def find(self, slug: str, prediction_id: str) -> ServedPrediction | None:
        """Look a prediction up, even one of a moment ago. Raises StoreError."""
        store = self._ledgers[slug].store
        found = store.find(prediction_id)
        return found if found or not self._flush(slug) else store.find(prediction_id)

    def of(self, slug: str, event_id: str) -> ServedPrediction | None:
        """Look up one of an event's predictions, even one of a moment ago. Raises StoreError."""
        store = self._ledgers[slug].store
        found = store.of([event_id])[0] or (self._flush(slug) and store.of([event_id])[0])
        return found[0] if found else None

    def told(self, slug: str) -> Scores:
        """The score of what was served, by model, as it was about a second ago."""
        return self._ledgers[slug].told

    def _flush(self, slug: str) -> bool:
        """Wait until what was handed over so far is written."""
        written = threading.Event()
        self._queue.put((slug, written))
        return written.wait(PATIENCE_SECONDS)

    def _run(self) -> None:
        score_at = 0.0
        while not self._stopped.wait(PAUSE_SECONDS):
            self._work(time.monotonic() >= score_at)
            if time.monotonic() >= score_at:
                score_at = time.monotonic() + SCORE_SECONDS
        self._work(True)

    def _work(self, is_time_to_score: bool) -> None:
        try:
            waiting = self._sort()
            for ledger in self._ledgers.values():
                ledger.write()
            for written in waiting:
                written.set()
            if is_time_to_score:
                for ledger in self._ledgers.values():
                    ledger.score()
            self._trouble = ""
        except Exception as error:  # what one request handed over must not end it for all others
            self._note(error)

    def _sort(self) -> list[threading.Event]:
        """Give each ledger what is its own; returns who waits for it to be written."""
        waiting = []
        for _ in range(self._queue.qsize()):
            slug, item = self._queue.get()
            if isinstance(item, threading.Event):
                waiting.append(item)
            else:
                self._ledgers[slug].add(item)
        return waiting

    def _note(self, error: Exception) -> None:
        text = str(error)
        if text != self._trouble:
            is_known = isinstance(error, StoreError)
            _log.warning("keeping predictions: %s", text, exc_info=None if is_known else error)
        self._trouble = text

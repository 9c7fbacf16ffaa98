"""Decides when a learner is worth showing, and makes what is shown."""

from __future__ import annotations

import time

from flows.learning import codec
from flows.learning.learner import State
from flows.projects.spec import Project
from flows.settings import Settings
from flows.stores.live import Facts
from flows.streaming.messages import Publication

# Publishing may take at most a twentieth of the time, however large the model.
COST_FACTOR = 20

# A score better by this part of it is worth a version ahead of its time, but not before this part
# of the time has passed.
CLEARLY = 0.05
SOONEST = 1 / 6


class Publisher:
    """Publishes one shard's learner at most once in `publish_seconds`, and only when it changed.

    Goes by the wall clock. That is safe because a publication only shows the learner: readers keep
    the newest by the count of events, and a replay publishes the same states or later ones.
    """

    def __init__(self, project: Project, settings: Settings, shard: int) -> None:
        self._project = project
        self._sign = 1 if project.task.maximize(project.score) else -1
        self._shard = shard
        self._key = settings.signing_key.get_secret_value().encode()
        self._seconds = settings.publish_seconds
        self._version_seconds = settings.version_seconds
        self._next = 0.0
        self._next_version = time.monotonic() + settings.version_seconds
        self._shown: dict[str, int] = {}
        self._soonest = self._next_version - settings.version_seconds * (1 - SOONEST)
        self._registered = -1
        self._score: float | None = None
        # A flow killed before the version of a change was registered makes it when it starts again.
        self._changed = 0

    def due(self, state: State) -> Publication | None:
        """A publication, if it is time for one, or if the learner has been changed."""
        now = time.monotonic()
        if state.changed != self._changed:
            self._changed = state.changed
            return self.last_words(state)
        if now < self._next:
            return None
        version = self._is_version_due(state, now)
        if not version and state.counts == self._shown:
            return None
        publication = self._publish(state, version)
        after = time.monotonic()
        self._next = after + max(self._seconds, COST_FACTOR * (after - now))
        return publication

    def last_words(self, state: State) -> Publication:
        """A publication with a version, whatever the time."""
        return self._publish(state, version=True)

    def _is_version_due(self, state: State, now: float) -> bool:
        """In time, or sooner when the score is clearly better than that of the last version."""
        if state.counts["learned"] <= self._registered or now < self._soonest:
            return False
        return now >= self._next_version or self._has_improved(state)

    def _has_improved(self, state: State) -> bool:
        score = state.metrics.values().get(self._project.score)
        if score is None or self._score is None:
            return score is not None
        return self._sign * (score - self._score) > CLEARLY * abs(self._score)

    def _publish(self, state: State, version: bool) -> Publication:
        self._shown = dict(state.counts)
        learner = None
        if version:
            learner = codec.dumps(state, self._key)
            self._registered = state.counts["learned"]
            self._score = state.metrics.values().get(self._project.score)
            now = time.monotonic()
            self._next_version = now + self._version_seconds
            self._soonest = now + self._version_seconds * SOONEST
        facts = Facts.of(self._project.slug, self._shard, state, time.time())
        return Publication(facts, codec.dumps(state.predictor, self._key), learner)

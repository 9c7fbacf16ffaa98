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


class Publisher:
    """Publishes one shard's learner at most once in `publish_seconds`, and only when it changed.

    Goes by the wall clock. That is safe because a publication only shows the learner: readers keep
    the newest by the count of events, and a replay publishes the same states or later ones.
    """

    def __init__(self, project: Project, settings: Settings, shard: int) -> None:
        self._project = project
        self._shard = shard
        self._key = settings.signing_key.get_secret_value().encode()
        self._seconds = settings.publish_seconds
        self._version_seconds = settings.version_seconds
        self._next = 0.0
        self._next_version = time.monotonic() + settings.version_seconds
        self._shown: dict[str, int] = {}
        self._registered = -1

    def due(self, state: State) -> Publication | None:
        """A publication, if it is time for one."""
        now = time.monotonic()
        if now < self._next or state.counts == self._shown:
            return None
        version = now >= self._next_version and state.counts["learned"] > self._registered
        publication = self._publish(state, version)
        after = time.monotonic()
        self._next = after + max(self._seconds, COST_FACTOR * (after - now))
        return publication

    def last_words(self, state: State) -> Publication:
        """A publication with a version, whatever the time."""
        return self._publish(state, version=True)

    def _publish(self, state: State, version: bool) -> Publication:
        self._shown = dict(state.counts)
        learner = None
        if version:
            learner = codec.dumps(state, self._key)
            self._registered = state.counts["learned"]
            self._next_version = time.monotonic() + self._version_seconds
        facts = Facts.of(self._project.slug, self._shard, state, time.time())
        return Publication(facts, codec.dumps(state.predictor, self._key), learner)

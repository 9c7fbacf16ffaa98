"""Where a flow without recovery state begins: at the champion, or at an end of the log."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END

from flows.errors import ModelUnavailable, StoreError, VersionError
from flows.learning import codec
from flows.learning.learner import Learner, State
from flows.projects.spec import Project
from flows.settings import Settings
from flows.stores.registry import Registry
from flows.streaming.health import PULSE
from flows.streaming.messages import Source

PATIENCE_SECONDS = 90.0

_log = logging.getLogger("flows")


def next_offset(
    source: Source, identity: str, sources: Mapping[str, str], offsets: Mapping[str, int]
) -> int:
    """Where a registered learner reads on: after what it took in, if the log is still the same."""
    log = str(source)
    if sources.get(log) != identity:
        _log.warning("%s is another log than the version read: reading it from its start", source)
        return OFFSET_BEGINNING
    return offsets[log] + 1


class Start:
    """Finds the champion once per shard, for the learner and for its sources alike."""

    def __init__(
        self, project: Project, settings: Settings, registry: Registry, stop: threading.Event
    ) -> None:
        self._stop = stop
        self._project = project
        self._settings = settings
        self._registry = registry
        self._found: dict[int, State | None] = {}

    def learner(self, shard: int) -> Learner:
        """The champion's learner as a new generation of its lineage, or a fresh learner."""
        now = int(time.time() * 1000)
        state = self._champion(shard)
        if state is None:
            _log.info("%s: a new learner, lineage %d", self._project.slug, now)
            return Learner.fresh(self._project, lineage=now)
        _log.info("%s: going on from the champion, version %s", self._project.slug, state.version)
        state.generation = now
        # The sources begin anew as well: no command has been obeyed by both.
        state.command, state.awaiting = 0, []
        return Learner(self._project, state)

    def offset(self, source: Source, identity: str) -> int:
        """The champion's next offset where its log is still the same, else an end of the log."""
        if self._settings.start_from == "latest":
            return OFFSET_END
        state = self._champion(source.partition)
        if state is None:
            return OFFSET_BEGINNING
        return next_offset(source, identity, state.sources, state.offsets)

    def _champion(self, shard: int) -> State | None:
        if self._settings.start_from != "champion":
            return None
        if shard not in self._found:
            self._found[shard] = self._fetch(shard)
        return self._found[shard]

    def _fetch(self, shard: int) -> State | None:
        """Ask patiently: MLflow may be starting too. Raises ModelUnavailable in the end."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                version = self._registry.champion(shard)
                frame = None if version is None else self._registry.frame(version)
                break
            except VersionError as error:
                raise ModelUnavailable(
                    f"cannot go on from the champion of {self._project.slug}: {error};"
                    " REALTIME_START_FROM=earliest begins without it"
                ) from error
            except StoreError as error:
                if time.monotonic() > deadline or self._stop.is_set():
                    raise ModelUnavailable(
                        f"cannot ask for the champion of {self._project.slug}: {error};"
                        " REALTIME_START_FROM=earliest begins without it"
                    ) from error
                _log.warning("%s; asking again", error)
                PULSE.waits(error)
                self._stop.wait(1.0)
        if frame is None:
            return None
        key = self._settings.signing_key.get_secret_value().encode()
        state: State = codec.loads(frame, key)
        return state

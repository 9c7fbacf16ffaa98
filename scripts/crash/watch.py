"""A reader of the live model during the run: what it sees must never go back."""

from __future__ import annotations

from flows.errors import StoreError
from flows.projects.spec import Project
from flows.settings import Settings
from flows.stores.live import Facts, LiveStore, connect


class Watch:
    """Follows the live facts of every shard, and counts those that are older than ones before."""

    def __init__(self, project: Project, settings: Settings) -> None:
        self._store = LiveStore(connect(settings.redis_url.get_secret_value()), project.slug)
        self._newest: dict[int, Facts] = {}
        self._shards = range(settings.shards)
        self.backwards = 0

    def look(self) -> None:
        """Read every shard once."""
        for shard in self._shards:
            try:
                facts = self._store.facts(shard)
            except StoreError:
                continue
            if facts is not None:
                self._take(facts)

    def mark(self) -> dict[int, str]:
        """How far each shard is, for `is_past`."""
        return {shard: facts.order for shard, facts in self._newest.items()}

    def is_past(self, mark: dict[int, str]) -> bool:
        """Has any shard gone on since then?"""
        return any(facts.order > mark.get(shard, "") for shard, facts in self._newest.items())

    def events(self) -> int:
        """How many events all shards have taken in."""
        return sum(facts.counts["events"] for facts in self._newest.values())

    def is_through(self, events: int, since: float) -> bool:
        """Did a flow that began at `since` (seconds since 1970) learn all `events` there are?

        Facts alone do not tell: they may be those of a flow that was killed before its epoch
        closed. A heartbeat without lag comes after the last message.
        """
        return self.events() >= events and all(self._has_read_all(at, since) for at in self._shards)

    def _has_read_all(self, shard: int, since: float) -> bool:
        try:
            status = self._store.status(shard)
        except StoreError:
            return False
        return status is not None and status.time > since and status.lag == 0

    def _take(self, facts: Facts) -> None:
        before = self._newest.get(facts.shard)
        same = before is not None and before.generation == facts.generation
        if before is not None and (
            facts.generation < before.generation
            or (same and facts.events_learned < before.events_learned)
        ):
            self.backwards += 1
        self._newest[facts.shard] = facts

"""Live models and heartbeats to Redis, from threads: a slow Redis never holds up learning."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from bytewax.outputs import DynamicSink, StatelessSinkPartition

from flows.stores.live import LiveStore, Status
from flows.stores.predictions import PredictionStore
from flows.streaming import faults, instruments
from flows.streaming.background import Latest
from flows.streaming.guard import guarded
from flows.streaming.messages import Learned, Publication
from flows.streaming.progress import Progress
from flows.streaming.told_labels import ToldLabels

FAREWELL_SECONDS = 5.0

Keyed = tuple[str, Learned]


class RedisSink(DynamicSink[Keyed]):
    """Publishes the newest model of each shard, says that the flow is alive, and tells of labels.

    At-least-once for models: the store refuses what is older than what it holds.
    """

    def __init__(
        self, store: LiveStore, predictions: PredictionStore, paused: Callable[[], bool]
    ) -> None:
        self._store = store
        self._predictions = predictions
        self._paused = paused

    @guarded
    def build(self, step_id: str, worker_index: int, worker_count: int) -> RedisPartition:
        return RedisPartition(self._store, self._predictions, self._paused)


class RedisPartition(StatelessSinkPartition[Keyed]):
    """One worker's shards, each with a place for its newest model and its newest heartbeat."""

    def __init__(
        self, store: LiveStore, predictions: PredictionStore, paused: Callable[[], bool]
    ) -> None:
        self._store = store
        self._paused = paused
        self._labels = ToldLabels(predictions)
        self._progress: defaultdict[int, Progress] = defaultdict(Progress)
        self._models: dict[int, Latest[Publication]] = {}
        self._beats: dict[int, Latest[Status]] = {}

    @guarded
    def write_batch(self, items: list[Keyed]) -> None:
        for key, learned in items:
            shard = int(key)
            if learned.publication:
                self._model_place(shard).offer(learned.publication)
            self._labels.add(learned.outcomes)
            self._progress[shard].add(learned)
            beat = self._progress[shard].beat("paused" if self._paused() else "running")
            if beat:
                self._beat_place(shard).offer(beat)

    def close(self) -> None:
        for place in self._models.values():
            place.drain(FAREWELL_SECONDS)
        self._labels.stop(FAREWELL_SECONDS)

    def _model_place(self, shard: int) -> Latest[Publication]:
        if shard not in self._models:
            self._models[shard] = Latest("publish", self._publish)
        return self._models[shard]

    def _beat_place(self, shard: int) -> Latest[Status]:
        if shard not in self._beats:
            self._beats[shard] = Latest("heartbeat", lambda beat: self._store.beat(shard, beat))
        return self._beats[shard]

    def _publish(self, publication: Publication) -> None:
        faults.point("redis.publish.before")
        with instruments.timed(publication.facts.project, "redis"):
            self._store.publish(publication.facts, publication.model)
        faults.point("redis.publish.after")

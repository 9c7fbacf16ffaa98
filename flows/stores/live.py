"""Live models and metrics in Redis, one value per project and shard.

Keys, all under `realtime:<project>`:

    :wanted                  "running" or "paused", obeyed by the source
    :<shard>:live            hash {order, facts (JSON), model (signed bytes)}
    :<shard>:history         stream of metrics, ids `<generation>-<events learned>`
    :<shard>:status          heartbeat (JSON) that expires
    :changes                 channel: the shard that has a newer model

`order` compares as text and only grows: an older model never overwrites a newer one, however
often a crash makes the flow send it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, Self

import msgspec
import redis

from flows.learning.batch_challenger import BATCH, Duel
from flows.learning.contest import Standing
from flows.learning.coverage import Coverage, coverage
from flows.learning.state import ORIGINAL, Change, State
from flows.stores.connection import connect as connect
from flows.stores.connection import failures as _failures

HISTORY_LENGTH = 3_000
STATUS_SECONDS = 30

Wanted = Literal["running", "paused"]

_PUBLISH = """
local held = redis.call('HGET', KEYS[1], 'order')
if held and held >= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'order', ARGV[1], 'facts', ARGV[2], 'model', ARGV[3])
local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
if newest[1] == nil or ARGV[4] ~= newest[1][1] then
  redis.pcall('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], ARGV[4], 'point', ARGV[6])
end
redis.call('PUBLISH', KEYS[3], ARGV[7])
return 1
"""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a live model besides its bytes.

    `lineage` names the line of learning (one MLflow run), `generation` each of its starts from a
    registered version; both are milliseconds since 1970. Times are seconds since 1970. `leads` and
    `previous` name models as `challengers` does; `changes` are the newest of `changed` in all.
    `batch`: how it stands with the batch model, which is among the challengers too.
    """

    project: str
    shard: int
    lineage: int
    generation: int
    events_learned: int
    version: str
    published_at: float
    event_time: float | None
    metrics: dict[str, float]
    report: dict[str, Any]
    counts: dict[str, int]
    alarms: list[dict[str, Any]]
    challengers: dict[str, dict[str, float]] = {}
    contests: dict[str, Standing] = {}
    leads: str = ORIGINAL
    previous: str = ""
    changes: list[Change] = []
    changed: int = 0
    command: int = 0
    offsets: dict[str, int] = {}
    labels: Coverage | None = None
    batch: Duel | None = None

    @classmethod
    def of(cls, project: str, shard: int, state: State, published_at: float) -> Self:
        """What is to be known of a learner's model as it is now."""
        challengers = {name: one.metrics.values() for name, one in state.challengers.items()}
        contests = {name: one.standing for name, one in state.contests.items()}
        duel = None
        if state.batch is not None:
            duel = state.batch.duel
            challengers[BATCH], contests[BATCH] = duel.batch, state.batch.contest.standing
        return cls(
            project=project,
            shard=shard,
            lineage=state.lineage,
            generation=state.generation,
            events_learned=state.counts["learned"],
            version=state.version,
            published_at=published_at,
            event_time=state.clock or None,
            metrics=state.metrics.values(),
            report=state.report,
            counts={**state.counts, "pending": len(state.waiting)},
            alarms=list(state.alarms),
            challengers=challengers,
            contests=contests,
            leads=state.leads,
            previous=state.previous,
            changes=list(state.changes),
            changed=state.changed,
            command=state.command,
            offsets=dict(state.offsets),
            labels=coverage(state),
            batch=duel,
        )

    @property
    def order(self) -> str:
        """Compares as text like (generation, events seen, changes made)."""
        seen = self.counts["events"] + self.counts["labels"]
        return f"{self.generation:015d}.{seen:015d}.{self.changed:06d}"


class Point(msgspec.Struct, frozen=True):
    """Metrics as they stood after `events_learned` events; `time` is seconds since 1970.

    `online`: the champion's on those events only on which the batch model was tested too.
    """

    events_learned: int
    time: float
    metrics: dict[str, float]
    challengers: dict[str, dict[str, float]] = {}
    online: dict[str, float] = {}


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """A flow's heartbeat: how far behind it is and how fast it goes. `time`: seconds since 1970."""

    time: float
    state: Wanted
    events_per_second: float
    lag: int | None
    process: str = ""


class LiveStore:
    """Reads and writes live models. Raises StoreError when Redis does not answer."""

    def __init__(self, client: redis.Redis, project: str) -> None:
        self.project = project
        self._redis: Any = client
        self._prefix = f"realtime:{project}"
        self._publish = client.register_script(_PUBLISH)

    def publish(self, facts: Facts, model: bytes) -> bool:
        """Make a model the live one; False when a newer one is live already."""
        seen = facts.counts["events"] + facts.counts["labels"]
        point = Point(
            facts.events_learned,
            facts.published_at,
            facts.metrics,
            facts.challengers,
            facts.batch.online if facts.batch else {},
        )
        keys = [self._key(facts.shard, "live"), self._key(facts.shard, "history"), self.channel]
        values: list[Any] = [
            facts.order,
            msgspec.json.encode(facts),
            model,
            f"{facts.generation}-{seen}",
            HISTORY_LENGTH,
            msgspec.json.encode(point),
            facts.shard,
        ]
        with _failures("publish a model"):
            return bool(self._publish(keys=keys, args=values))

    def facts(self, shard: int = 0) -> Facts | None:
        """Read what is known of the live model; None before the first was published."""
        with _failures("read the live model's facts"):
            raw = self._redis.hget(self._key(shard, "live"), "facts")
        return None if raw is None else msgspec.json.decode(raw, type=Facts)

    def model(self, shard: int = 0) -> tuple[Facts, bytes] | None:
        """Read the live model's signed bytes with the facts that belong to them."""
        with _failures("read the live model"):
            facts, model = self._redis.hmget(self._key(shard, "live"), ["facts", "model"])
        return None if facts is None else (msgspec.json.decode(facts, type=Facts), model)

    def history(self, shard: int = 0, points: int = HISTORY_LENGTH) -> list[Point]:
        """Read the newest `points` metrics, oldest first."""
        with _failures("read the metrics history"):
            entries = self._redis.xrevrange(self._key(shard, "history"), count=points)
        decode = msgspec.json.Decoder(Point).decode
        return [decode(fields[b"point"]) for _, fields in reversed(entries)]

    def beat(self, shard: int, status: Status) -> None:
        """Say that the flow is alive; readers forget it after STATUS_SECONDS."""
        with _failures("write the heartbeat"):
            self._redis.set(
                self._key(shard, "status"), msgspec.json.encode(status), ex=STATUS_SECONDS
            )

    def status(self, shard: int = 0) -> Status | None:
        """Read the last heartbeat; None when the flow has been silent."""
        with _failures("read the heartbeat"):
            raw = self._redis.get(self._key(shard, "status"))
        return None if raw is None else msgspec.json.decode(raw, type=Status)

    def wanted(self) -> Wanted:
        """Read what the flow is told to do."""
        with _failures("read the wanted state"):
            return "paused" if self._redis.get(self._key("wanted")) == b"paused" else "running"

    def want(self, state: Wanted) -> None:
        """Tell the flow to run or to pause; a paused flow does not poll, so nothing is lost."""
        with _failures("write the wanted state"):
            self._redis.set(self._key("wanted"), state)

    def changes(self) -> Iterator[int | None]:
        """Wait for newer models: yields the shard that changed, or None after a quiet second."""
        with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
            with _failures("subscribe to model changes"):
                pubsub.subscribe(self.channel)
            while True:
                with _failures("wait for model changes"):
                    message = pubsub.get_message(timeout=1.0)
                yield None if message is None else int(message["data"])

    @property
    def channel(self) -> str:
        """Where newer models are announced."""
        return self._key("changes")

    def _key(self, *parts: object) -> str:
        return ":".join([self._prefix, *map(str, parts)])

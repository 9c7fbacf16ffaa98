"""Predictions that were served, in Redis, until their labels come; and the score of them.

Keys, all under `realtime:<project>:served`:

    :order       sorted set of event ids, by when they were first predicted
    :events      hash: event id to its records, a line each
    :ids         hash: prediction id to event id
    :labels      hash: event id to the label that has come (JSON), until it is scored
    :score       hash {count, frame (signed), told (JSON)}

Bounded by `PREDICTIONS_KEPT` events of at most `LARGEST_EVENT` bytes, and by the project's horizon.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import redis

from flows.stores.connection import failures

PREDICTIONS_KEPT = 20_000
LARGEST_EVENT = 8_192
ID_LENGTH = 36

_DROP = """
local function drop(event)
  local held = redis.call('HGET', KEYS[2], event)
  for line in string.gmatch(held or '', '[^\\n]+') do
    redis.call('HDEL', KEYS[3], string.sub(line, 1, 36))
  end
  redis.call('HDEL', KEYS[2], event)
  redis.call('HDEL', KEYS[4], event)
  redis.call('ZREM', KEYS[1], event)
end
"""
_KEEP = (
    _DROP
    + """
local now, horizon, kept, largest = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
for _, one in ipairs(cjson.decode(ARGV[5])) do
  local held = redis.call('HGET', KEYS[2], one[1])
  local lines = held and held .. '\\n' .. one[2] or one[2]
  if #lines <= largest then
    redis.call('HSET', KEYS[2], one[1], lines)
    redis.call('HSET', KEYS[3], string.sub(one[2], 1, 36), one[1])
    redis.call('ZADD', KEYS[1], 'NX', now, one[1])
  end
end
local old = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - horizon, 'LIMIT', 0, 1000)
for _, event in ipairs(old) do drop(event) end
local over = redis.call('ZCARD', KEYS[1]) - kept
if over > 0 then
  for _, event in ipairs(redis.call('ZRANGE', KEYS[1], 0, over - 1)) do drop(event) end
end
for number = 1, 4 do redis.call('EXPIRE', KEYS[number], horizon) end
"""
)
_LABEL = """
local ttl = redis.call('TTL', KEYS[2])
for _, one in ipairs(cjson.decode(ARGV[1])) do
  if redis.call('HEXISTS', KEYS[2], one[1]) == 1 then
    redis.call('HSETNX', KEYS[4], one[1], one[2])
  end
end
if ttl > 0 then redis.call('EXPIRE', KEYS[4], ttl) end
"""
_SETTLE = (
    _DROP
    + """
local count = redis.call('HGET', KEYS[5], 'count') or '0'
if count ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[5], 'count', count + 1, 'frame', ARGV[2], 'told', ARGV[3])
for number = 4, #ARGV do drop(ARGV[number]) end
return 1
"""
)


class ServedPrediction(msgspec.Struct, frozen=True, gc=False):
    """A prediction that somebody got. `key` is the event's entity, `time` the event's in seconds.

    `alias` says which model made it, `prediction` is the task's struct as JSON.
    """

    prediction_id: str
    event_id: str
    key: str
    alias: str
    version: str
    time: float
    prediction: Any


class Score(msgspec.Struct, frozen=True):
    """Metrics of what was served by one model, and of how many predictions."""

    count: int
    metrics: dict[str, float]


Scores = dict[str, Score]


class PredictionStore:
    """Keeps what one project served. Raises StoreError when Redis does not answer."""

    def __init__(self, client: redis.Redis, project: str, horizon: float) -> None:
        self._redis: Any = client
        self._horizon = max(1, round(horizon))
        names = ("order", "events", "ids", "labels", "score")
        self._keys = [f"realtime:{project}:served:{name}" for name in names]
        self._keep = client.register_script(_KEEP)
        self._label = client.register_script(_LABEL)
        self._settle = client.register_script(_SETTLE)

    def keep(self, records: Sequence[ServedPrediction], now: float) -> None:
        """Keep predictions, and let go of the oldest; `now` is in seconds since 1970."""
        lines = [(one.event_id, f"{one.prediction_id}{_json(one)}") for one in records]
        limits = [now, self._horizon, PREDICTIONS_KEPT, LARGEST_EVENT]
        with failures("keep served predictions"):
            self._keep(keys=self._keys[:4], args=[*limits, msgspec.json.encode(lines)])

    def of(self, event_ids: Sequence[str]) -> list[list[ServedPrediction]]:
        """Read what was predicted of each event, oldest first."""
        with failures("read served predictions"):
            found = self._redis.hmget(self._keys[1], list(event_ids)) if event_ids else []
        return [[_record(line) for line in (text or b"").splitlines()] for text in found]

    def find(self, prediction_id: str) -> ServedPrediction | None:
        """Look a prediction up; None when it is not kept, or not any more."""
        with failures("look a served prediction up"):
            event_id = self._redis.hget(self._keys[2], prediction_id)
        records = self.of([event_id.decode()])[0] if event_id is not None else []
        return next((one for one in records if one.prediction_id == prediction_id), None)

    def is_empty(self) -> bool:
        """Tell whether no prediction waits for a label."""
        with failures("look for served predictions"):
            return not self._redis.exists(self._keys[1])

    def label(self, labels: Sequence[tuple[str, Any]]) -> None:
        """Leave the labels of events, for those that were predicted; the first one counts."""
        texts = [(event_id, msgspec.json.encode(label).decode()) for event_id, label in labels]
        if texts:
            with failures("leave labels of served predictions"):
                self._label(keys=self._keys[:4], args=[msgspec.json.encode(texts)])

    def labels(self) -> dict[str, Any]:
        """Read the labels that were left, by event id."""
        with failures("read labels of served predictions"):
            found = self._redis.hgetall(self._keys[3])
        return {event.decode(): msgspec.json.decode(label) for event, label in found.items()}

    def score(self) -> tuple[int, bytes | None]:
        """Read the signed state of the metrics, and how often it has been written."""
        with failures("read the score of served predictions"):
            count, frame = self._redis.hmget(self._keys[4], ["count", "frame"])
        return int(count or 0), frame

    def told(self) -> Scores:
        """Read the metrics by the model that made the predictions."""
        with failures("read the score of served predictions"):
            told = self._redis.hget(self._keys[4], "told")
        return {} if told is None else msgspec.json.decode(told, type=Scores)

    def settle(self, count: int, frame: bytes, told: Scores, event_ids: Sequence[str]) -> bool:
        """Write the metrics and forget the events they have taken in, both or neither.

        False when somebody else has written since `count` was read.
        """
        arguments: list[int | bytes | str] = [count, frame, msgspec.json.encode(told), *event_ids]
        with failures("write the score of served predictions"):
            return bool(self._settle(keys=self._keys, args=arguments))


def _json(record: ServedPrediction) -> str:
    return msgspec.json.encode(record).decode()


_decode = msgspec.json.Decoder(ServedPrediction).decode


def _record(line: bytes) -> ServedPrediction:
    return _decode(line[ID_LENGTH:])

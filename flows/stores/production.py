"""What a project's producer is told and what it says of itself, in Redis.

Keys, all under `realtime:<project>:producer`:

    (the prefix itself)      stream of commands (JSON), the newest thousand
    :changes                 stream of what came of them and of plans (JSON), the newest thousand
    :status                  what the producer does (JSON); expires when it falls silent
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
import redis
from msgspec import Meta

from flows.stores.connection import failures

COMMANDS_KEPT = 1_000
CHANGES_KEPT = 1_000
STATUS_SECONDS = 10
BEGINNING = "0-0"

Kind = Literal["sudden", "gradual", "incremental", "recurring"]
Severity = Literal["none", "mild", "moderate", "severe"]
Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=1, le=10_000_000)]
Seconds = Annotated[float, Meta(gt=0, le=7 * 86_400)]

_log = logging.getLogger("production")


class Command(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """What is to change; what is not given stays.

    `rate` is in events a second, 0 as fast as possible. `burst` is a number of events to send at
    once; `factor` multiplies the rate for `seconds`. `scenario` holds with `intensity` for
    `seconds`, or until it is told again with intensity 0. `drift` begins with the next event, and
    goes to `severity` within `width` events. `anomaly_rate` is a share of the events.
    """

    rate: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None
    state: Literal["running", "paused"] | None = None
    burst: Count | None = None
    factor: Annotated[float, Meta(gt=0, le=1_000)] | None = None
    scenario: str | None = None
    intensity: Share = 1.0
    seconds: Seconds | None = None
    drift: Kind | None = None
    severity: Severity = "severe"
    width: Count = 2_000
    anomaly_rate: Share | None = None


class ProducerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a producer does now. `time` is seconds since 1970.

    `running` are the scenarios that hold, with their intensities; `scenarios` all that there are,
    with a line of help. `drift` is the one that began last, with its event number. `refused` is
    why the last command that could not be obeyed was not.
    """

    time: float
    state: Literal["running", "paused"]
    profile: str
    rate: float
    sent: int
    failed: int
    events_per_second: float
    running: dict[str, float]
    scenarios: dict[str, str]
    drift: dict[str, Any] | None
    anomaly_rate: float
    refused: str = ""


class StreamChange(msgspec.Struct, frozen=True, kw_only=True):
    """A drift, scenario or share of anomalies that began, turned or ended.

    `time` is when the producer told of it, in seconds since 1970; `details` say how it is from the
    event of this number on.
    """

    time: float
    event_number: int
    what: str
    details: dict[str, Any]


class ProductionStore:
    """Reads and writes commands, changes and status.

    Raises StoreError when Redis does not answer.
    """

    def __init__(self, client: redis.Redis, project: str) -> None:
        self._redis: Any = client
        self._key = f"realtime:{project}:producer"

    def tell(self, command: Command) -> str:
        """Leave a command for whatever producers run; returns its place among the commands."""
        fields = {"command": msgspec.json.encode(command)}
        with failures("leave a command for the producer"):
            place: bytes = self._redis.xadd(self._key, fields, maxlen=COMMANDS_KEPT)
        return place.decode()

    def newest(self) -> str:
        """The place of the newest command."""
        with failures("look for commands"):
            entries = self._redis.xrevrange(self._key, count=1)
        return entries[0][0].decode() if entries else BEGINNING

    def commands(self, after: str) -> Iterator[tuple[str, Command | None]]:
        """Commands after a place, oldest first, with theirs; None for what is no command."""
        with failures("read commands"):
            answer = self._redis.xread({self._key: after}, count=COMMANDS_KEPT)
        for _, entries in answer or []:
            for place, fields in entries:
                yield place.decode(), _command(fields.get(b"command", b""))

    def note(self, what: str, event_number: int, details: dict[str, Any]) -> None:
        """Keep a change of the stream."""
        change = {"what": what, "event_number": event_number, "details": details}
        fields = {"change": msgspec.json.encode(change)}
        with failures("keep a change of the stream"):
            self._redis.xadd(f"{self._key}:changes", fields, maxlen=CHANGES_KEPT)

    def changes(self, count: int = CHANGES_KEPT) -> list[StreamChange]:
        """The newest changes of the stream, oldest first."""
        with failures("read the changes of the stream"):
            entries = self._redis.xrevrange(f"{self._key}:changes", count=count)
        return [_change(place, fields[b"change"]) for place, fields in reversed(entries)]

    def report(self, status: ProducerStatus) -> None:
        """Say what the producer does; readers forget it after STATUS_SECONDS."""
        with failures("write the producer's status"):
            self._redis.set(f"{self._key}:status", msgspec.json.encode(status), ex=STATUS_SECONDS)

    def status(self) -> ProducerStatus | None:
        """Read what the producer does; None when there is none, or it is silent."""
        with failures("read the producer's status"):
            raw = self._redis.get(f"{self._key}:status")
        return None if raw is None else msgspec.json.decode(raw, type=ProducerStatus)


def _command(raw: bytes) -> Command | None:
    try:
        return msgspec.json.decode(raw, type=Command)
    except msgspec.DecodeError as error:
        _log.warning("no command: %.100r: %s", raw, error)
        return None


def _change(place: bytes, raw: bytes) -> StreamChange:
    milliseconds = int(place.partition(b"-")[0])
    return msgspec.convert({**msgspec.json.decode(raw), "time": milliseconds / 1000}, StreamChange)

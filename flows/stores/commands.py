"""What people tell a running flow, kept in Redis until it is done: one command a shard at a time.

Keys, all under `realtime:<project>:<shard>`:

    :command     the command that waits (JSON)
    :refusals    list of commands that could not be obeyed, with the reason (JSON), newest first

A command is obeyed by the learner and its sources in one epoch, and its number is in their
recovery state. So it may wait here until that epoch is known to be committed: who finds it again
sees that it has been obeyed.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import redis

from flows.errors import ConflictError
from flows.stores.connection import failures

REFUSALS_KEPT = 50

_ANSWER = """
local held = redis.call('GET', KEYS[1])
if not held or string.format('%.0f', cjson.decode(held)['number']) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
if ARGV[2] ~= '' then
  redis.call('LPUSH', KEYS[2], ARGV[2])
  redis.call('LTRIM', KEYS[2], 0, ARGV[3])
end
return 1
"""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A rollback to a version, or the promotion of a challenger; who wants it, and why.

    After a rollback the flow reads on from where the version had come to and learns anew what came
    since; with `skip` it reads on from where it is, and never learns that.
    `number` grows from one to the next: milliseconds since 1970. `time`: seconds since 1970.
    """

    number: int
    kind: Literal["promotion", "rollback"]
    who: str
    why: str
    time: float
    version: int | None = None
    challenger: str | None = None
    skip: bool = False


class Refusal(msgspec.Struct, frozen=True):
    """A command that was not obeyed."""

    command: Command
    reason: str


class CommandStore:
    """One project's commands. Raises StoreError when Redis does not answer."""

    def __init__(self, client: redis.Redis, project: str) -> None:
        self._redis: Any = client
        self._prefix = f"realtime:{project}"
        self._answer = client.register_script(_ANSWER)

    def send(self, shard: int, command: Command) -> None:
        """Give a shard's flow a command. Raises ConflictError while another one waits."""
        with failures("send a command"):
            key = self._key(shard, "command")
            sent = self._redis.set(key, msgspec.json.encode(command), nx=True)
        if not sent:
            waiting = self.waiting(shard)
            told = f"{waiting.kind} {waiting.number}" if waiting else "one"
            raise ConflictError(
                f"another command waits for the flow: {told}; try again when it has been obeyed"
            )

    def waiting(self, shard: int) -> Command | None:
        """The command that a shard's flow has yet to obey."""
        with failures("read the command"):
            raw = self._redis.get(self._key(shard, "command"))
        return None if raw is None else msgspec.json.decode(raw, type=Command)

    def done(self, shard: int, command: Command) -> None:
        """Forget a command that has been obeyed; nothing happens when another one waits."""
        self._settle(shard, command, b"")

    def refuse(self, shard: int, command: Command, reason: str) -> None:
        """Forget a command that cannot be obeyed, and remember why."""
        self._settle(shard, command, msgspec.json.encode(Refusal(command, reason)))

    def refusals(self, shard: int) -> list[Refusal]:
        """The newest commands that were not obeyed, newest first."""
        with failures("read refused commands"):
            found = self._redis.lrange(self._key(shard, "refusals"), 0, -1)
        return [msgspec.json.decode(raw, type=Refusal) for raw in found]

    def _settle(self, shard: int, command: Command, refusal: bytes) -> None:
        keys = [self._key(shard, "command"), self._key(shard, "refusals")]
        with failures("settle a command"):
            self._answer(keys=keys, args=[command.number, refusal, REFUSALS_KEPT - 1])

    def _key(self, shard: int, name: str) -> str:
        return f"{self._prefix}:{shard}:{name}"

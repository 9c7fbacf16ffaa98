"""Promotions and rollbacks: checked here, obeyed by the flow, told from wherever they are known."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import msgspec

from api.bodies import InvalidBody
from api.life import ChangeHistory, ChangeTold, Promotion, Rollback
from api.platform import Served
from api.registered import RegistryReader
from flows.errors import StoreError, VersionError
from flows.learning.batch_challenger import BATCH
from flows.learning.state import Change
from flows.stores.commands import Command, CommandStore
from flows.stores.registry import Registry, Version

T = TypeVar("T")
Kind = Literal["promotion", "rollback"]


@dataclass(frozen=True, slots=True)
class Changer:
    """Changes which model leads a shard."""

    served: Served
    shard: int
    registry: RegistryReader
    commands: CommandStore

    def roll_back(self, wanted: Rollback) -> ChangeTold:
        """Tell the flow to go back to a version. Raises VersionError, ConflictError."""
        version = self._ask(lambda registry: self._earlier(registry, wanted.version))
        command = self._command("rollback", wanted, version=version.number, skip=wanted.skip)
        return self._send(command)

    def promote(self, wanted: Promotion) -> ChangeTold:
        """Promote a version or a challenger. Raises VersionError, InvalidBody, ConflictError."""
        if (wanted.version is None) == (wanted.challenger is None):
            raise InvalidBody("", "give either version or challenger")
        if wanted.challenger is not None:
            self._check_challenger(wanted.challenger)
            return self._send(self._command("promotion", wanted, challenger=wanted.challenger))
        command = self._command("promotion", wanted, version=wanted.version)
        change = _change(command)
        self._ask(lambda registry: self._crown(registry, change))
        self.registry.forget(self.served.project.slug, self.shard)
        return ChangeTold.of(change, "done")

    def history(self) -> ChangeHistory:
        """All changes that are known, newest first."""
        found: dict[int, ChangeTold] = {}
        problems = [
            problem
            for read in (self._registered, self._refused, self._live, self._waiting)
            if (problem := _tried(read, found))
        ]
        newest = sorted(found.values(), key=lambda told: told.time, reverse=True)
        return ChangeHistory(newest, problems)

    def _registered(self) -> list[ChangeTold]:
        changes = self._ask(lambda registry: registry.changes(self.shard))
        return [ChangeTold.of(change, "done") for change in changes]

    def _live(self) -> list[ChangeTold]:
        loaded = self.served.follower.loaded(self.shard)
        return [ChangeTold.of(one, "done") for one in (loaded.facts.changes if loaded else [])]

    def _refused(self) -> list[ChangeTold]:
        refusals = self.commands.refusals(self.shard)
        return [ChangeTold.of(_change(one.command), "refused", one.reason) for one in refusals]

    def _waiting(self) -> list[ChangeTold]:
        command = self.commands.waiting(self.shard)
        done = {told.number for told in self._live()}
        if command is None or command.number in done:
            return []
        return [ChangeTold.of(_change(command), "waiting")]

    def _ask(self, question: Callable[[Registry], T]) -> T:
        return self.registry.ask(self.served.project.slug, question)

    def _earlier(self, registry: Registry, number: int | None) -> Version:
        if number is not None:
            return registry.version(number, self.shard)
        if version := registry.previous(self.shard):
            return version
        raise VersionError(
            f"{self.served.project.slug} has had no champion before this one; name a version"
        )

    def _crown(self, registry: Registry, change: Change) -> None:
        registry.promote(registry.version(change.version or 0, self.shard), change, self.shard)

    def _check_challenger(self, name: str) -> None:
        facts = self.served.follower.require(self.shard).facts
        if name == BATCH:
            raise InvalidBody("challenger", "a batch model never learns, and cannot lead a flow")
        known = [*facts.challengers, *(["previous"] if facts.previous else [])]
        if name not in known:
            told = ", ".join(known) or "none"
            raise InvalidBody("challenger", f"{name!r} does not run; there are: {told}")

    def _command(
        self,
        kind: Kind,
        wanted: Rollback | Promotion,
        *,
        version: int | None = None,
        challenger: str | None = None,
        skip: bool = False,
    ) -> Command:
        now = time.time()
        loaded = self.served.follower.loaded(self.shard)
        last = loaded.facts.command if loaded else 0
        return Command(
            number=max(int(now * 1000), last + 1),
            kind=kind,
            who=wanted.who,
            why=wanted.why,
            time=now,
            version=version,
            challenger=challenger,
            skip=skip,
        )

    def _send(self, command: Command) -> ChangeTold:
        self.commands.send(self.shard, command)
        return ChangeTold.of(_change(command), "waiting")


def _change(command: Command) -> Change:
    return msgspec.convert(msgspec.structs.asdict(command), Change)


def _tried(read: Callable[[], list[ChangeTold]], found: dict[int, ChangeTold]) -> str:
    """Add what can be read; what cannot is told."""
    try:
        found |= {told.number: told for told in read()}
    except StoreError as error:
        return str(error)
    return ""

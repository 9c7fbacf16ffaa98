"""Commands to a running flow: prepared beside the worker, obeyed within one epoch.

A rollback makes the learner an earlier version of itself and its sources read on from where that
version had come to. Every source of the shard hands the command to the learner as a message of its
own, in its place in the stream; the positions and the learner are saved together when the epoch
closes. Killed before that, the flow resumes as it was and finds the command still waiting; killed
after it, it resumes as it was told to be, and sees by the command's number that it has obeyed.
Rows that are read again are in the lake already, whose watermarks leave them out.

1. the command waits in Redis                      resumes with the old learner, and obeys
2. a source has moved, or the learner has changed  the same
3. the epoch has closed                            resumes with the new learner
   (another source has not moved yet: the learner takes nothing in of it before it has, and the
   command waits on)
4. Redis has forgotten the command                 the same
"""

from __future__ import annotations

import logging
import threading

import msgspec

from flows.errors import StoreError, VersionError
from flows.learning import codec
from flows.learning.batch_challenger import BatchChallenger
from flows.learning.learner import State
from flows.learning.state import Change
from flows.learning.succession import promote
from flows.projects.spec import Project
from flows.settings import Settings
from flows.stores.commands import Command, CommandStore
from flows.stores.registry import Registry
from flows.streaming import batch_model, faults
from flows.streaming.batch_model import BatchDesk
from flows.streaming.messages import Order, Source

POLL_SECONDS = 1.0

_log = logging.getLogger("flows")


class Desk:
    """The command that waits for each shard, with all that is needed to obey it at once.

    Follows Redis once a second; a version is fetched and checked before anybody sees the command.
    """

    def __init__(
        self,
        project: Project,
        settings: Settings,
        store: CommandStore,
        registry: Registry,
        stop: threading.Event,
        batch: BatchDesk | None = None,
    ) -> None:
        self._project = project
        self._shards = settings.own_shards
        self._key = settings.signing_key.get_secret_value().encode()
        self._store = store
        self._registry = registry
        self._stop = stop
        self._orders: dict[int, Order] = {}
        self._obeyed: dict[int, int] = {}
        self._refused: dict[int, str] = {}
        self._batch = batch
        threading.Thread(target=self._follow, name="commands", daemon=True).start()

    def order(self, shard: int) -> Order | None:
        """What a shard is told to do; it may have been done already."""
        order = self._orders.get(shard)
        if order is None and self._batch is not None:
            return self._batch.order(shard)
        return order

    def obeyed(self, shard: int, number: int) -> None:
        """Say that all up to a command is done, and saved."""
        self._obeyed[shard] = number

    def refused(self, order: Order, reason: str) -> None:
        """Say that an order will count as done, but that nothing was."""
        if order.change is not None:
            self._refused[order.number] = reason
        elif self._batch is not None:
            self._batch.refuse(order.batch)

    def tests(self, shard: int, batch: BatchChallenger | None) -> None:
        """Say which batch model a shard's learner tests."""
        if self._batch is not None:
            held = batch is not None and batch.model is not None
            self._batch.held[shard] = batch.version if batch is not None and held else 0

    def _follow(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            for shard in self._shards:
                try:
                    self._look(shard)
                except StoreError as error:
                    _log.debug("%s", error)
                except Exception:
                    _log.exception("looking for commands")

    def _look(self, shard: int) -> None:
        command = self._store.waiting(shard)
        if command is None:
            self._forget(shard)
            if self._batch is not None and shard not in self._orders:
                self._batch.look(shard, self._obeyed.get(shard, 0))
        elif command.number <= self._obeyed.get(shard, 0):
            self._settle(shard, command)
        elif shard not in self._orders or self._orders[shard].number != command.number:
            self._prepare(shard, command)

    def _forget(self, shard: int) -> None:
        """Drop an order that is done.

        One that Redis has lost is not: a source may have moved already, and the learner then waits
        for the others.
        """
        order = self._orders.get(shard)
        if order is not None and order.number <= self._obeyed.get(shard, 0):
            del self._orders[shard]

    def _settle(self, shard: int, command: Command) -> None:
        faults.point("command.saved")
        reason = self._refused.pop(command.number, "")
        if reason:
            self._store.refuse(shard, command, reason)
        else:
            self._store.done(shard, command)
            _log.info("%s %d is done", command.kind, command.number)
        faults.point("command.settled")

    def _prepare(self, shard: int, command: Command) -> None:
        change = msgspec.convert(msgspec.structs.asdict(command), Change)
        try:
            frame, state = self._fetch(shard, command)
        except VersionError as error:
            _log.error("%s %d is refused: %s", command.kind, command.number, error)
            self._store.refuse(shard, command, str(error))
            return
        sources = dict(state.sources) if state else {}
        offsets = dict(state.offsets) if state else {}
        self._orders[shard] = Order(command.number, change, frame, sources, offsets)

    def _fetch(self, shard: int, command: Command) -> tuple[bytes | None, State | None]:
        if command.version is None:
            return None, None
        frame = self._registry.frame(self._registry.version(command.version, shard))
        try:
            return frame, codec.loads(frame, self._key)
        except Exception as error:  # unpickling runs code of other versions: anything may come
            raise VersionError(f"version {command.version} cannot be used: {error}") from error


def obey(project: Project, state: State, order: Order, source: Source, key: bytes) -> State:
    """The learner as an order wants it, once one of its sources has handed the order over.

    A source that hands over what has been obeyed already only says that it has moved too. Raises
    ProjectError, the state being as it was, when the order makes no sense.
    """
    if order.number > state.command:
        state = _changed(project, state, order, source.partition, key)
        faults.point("command.learnt")
    if order.number == state.command and str(source) in state.awaiting:
        state.awaiting.remove(str(source))
    return state


def _changed(project: Project, state: State, order: Order, shard: int, key: bytes) -> State:
    if order.change is None:
        batch_model.bring_in(project, state, order, key)
        state.command = order.number
        return state
    if order.frame is None:
        promote(state, order.change)
        state.command = order.number
        return state
    earlier: State = codec.loads(order.frame, key)
    batch_model.hand_over(project, state, earlier, order, key)
    earlier.generation = max(order.number, state.generation + 1)
    earlier.changes, earlier.changed = state.changes, state.changed
    earlier.record(order.change)
    earlier.command = order.number
    if order.moves:
        earlier.awaiting = [str(Source(topic, shard)) for topic in project.topics]
    else:
        earlier.sources, earlier.offsets, earlier.awaiting = state.sources, state.offsets, []
    return earlier

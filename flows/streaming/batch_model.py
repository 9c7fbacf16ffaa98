"""A batch model comes into a running flow, and is saved with its learner.

Its bytes stay as they were registered: a snapshot holds them behind the learner's own, so that
saving costs a copy of them and no more. What it is to be is asked for, not told once: a flow that
lost it, however it did, asks again.
"""

from __future__ import annotations

import logging
import struct
import time
from typing import TYPE_CHECKING, Any

from flows.errors import CodecError, ProjectError, StoreError, VersionError
from flows.learning import codec
from flows.learning.batch_challenger import BatchChallenger
from flows.learning.learner import State
from flows.projects.spec import Project
from flows.stores.batch import BatchStore
from flows.streaming import faults
from flows.streaming.messages import Order

if TYPE_CHECKING:
    from flows.batch.registered import BatchRegistry

MAGIC = b"RTL+"
_HEAD = struct.Struct(">4sQ")
PAUSE_SECONDS = 30.0
"""MLflow is not asked again sooner when it did not answer."""

_log = logging.getLogger("flows")


class BatchDesk:
    """The batch model that each shard is to test, fetched beside the worker."""

    def __init__(self, project: Project, wishes: BatchStore, registry: BatchRegistry) -> None:
        self.held: dict[int, int] = {}
        self._slug = project.slug
        self._wishes = wishes
        self._registry = registry
        self._orders: dict[int, Order] = {}
        self._refused: set[int] = set()
        self._suggested = False
        self._not_before = 0.0

    def order(self, shard: int) -> Order | None:
        """What a shard is to bring in."""
        return self._orders.get(shard)

    def refuse(self, version: int) -> None:
        """Do not offer a version again; it cannot be used."""
        self._refused.add(version)

    def look(self, shard: int, obeyed: int) -> None:
        """Order what is wanted and not there, once it is known what is there.

        Its number is the next one: that of a command is greater, so that none is taken for done.
        """
        if shard not in self.held or time.monotonic() < self._not_before:
            return
        wanted = self._wanted()
        order = self._orders.get(shard)
        if wanted is None or wanted == self.held[shard] or wanted in self._refused:
            self._orders.pop(shard, None)
        elif order is None or order.batch != wanted or order.number <= obeyed:
            frame = self._fetch(wanted)
            if wanted == 0 or frame is not None:
                self._orders[shard] = Order(obeyed + 1, None, frame, {}, {}, wanted)

    def _wanted(self) -> int | None:
        wanted = self._wishes.wanted()
        if wanted is None and not self._suggested:
            # Redis may have been emptied since somebody said so.
            facts = self._ask(lambda: self._registry.facts())
            self._suggested = True
            if facts is not None:
                self._wishes.suggest(int(facts.version))
                wanted = self._wishes.wanted()
        return wanted

    def _fetch(self, version: int) -> bytes | None:
        if not version:
            return None
        try:
            frame: bytes = self._ask(lambda: self._registry.frame(str(version)))
        except VersionError as error:
            _log.error("%s: batch model %d is refused: %s", self._slug, version, error)
            self.refuse(version)
            return None
        return frame

    def _ask(self, question: Any) -> Any:
        try:
            return question()
        except StoreError:
            self._not_before = time.monotonic() + PAUSE_SECONDS
            raise


def bring_in(project: Project, state: State, order: Order, key: bytes) -> None:
    """Test a batch model from now on, or none. Raises ProjectError when it cannot be used."""
    if order.frame is None:
        state.batch = None
        return
    model = _decode(order.frame, key)
    if state.batch is not None and state.batch.version == order.batch:
        state.batch.meet(order.frame, model)
    else:
        learned = state.counts["learned"]
        state.batch = BatchChallenger.fresh(project.task, order.batch, learned, order.frame, model)
    faults.point("batch.brought")
    _log.info("%s: batch model %d is tested from now on", project.slug, order.batch)


def hand_over(project: Project, state: State, earlier: State, order: Order, key: bytes) -> None:
    """Let a learner that is gone back to test what the one before it did.

    Where the log is read again, the test is what it was back then, or begins anew.
    """
    now = state.batch
    if now is None or now.model is None:
        earlier.batch = None
    elif not order.moves:
        earlier.batch = now
        now.forget_contest()
    elif earlier.batch is not None and earlier.batch.version == now.version:
        earlier.batch.meet(now.frame, _decode(now.frame, key))
    else:
        learned = earlier.counts["learned"]
        model = _decode(now.frame, key)
        earlier.batch = BatchChallenger.fresh(project.task, now.version, learned, now.frame, model)


def save(state: State | None, key: bytes) -> bytes:
    """A learner's bytes, with those of the batch model behind them."""
    frame = codec.dumps(state, key)
    if state is None or state.batch is None or not state.batch.frame:
        return frame
    return b"".join((_HEAD.pack(MAGIC, len(frame)), frame, state.batch.frame))


def restore(snapshot: bytes, key: bytes) -> State:
    """What `save` made bytes of. Raises CodecError and SignatureError as the codec does.

    A batch model that cannot be used any more is asked for again.
    """
    if not snapshot.startswith(MAGIC):
        state: State = codec.loads(snapshot, key)
        return state
    _, length = _HEAD.unpack_from(snapshot)
    end = _HEAD.size + length
    state = codec.loads(snapshot[_HEAD.size : end], key)
    if state.batch is not None:
        frame = snapshot[end:]
        try:
            state.batch.meet(frame, _decode(frame, key))
        except ProjectError as error:
            _log.error("%s", error)
    return state


def _decode(frame: bytes, key: bytes) -> Any:
    # It brings scikit-learn, which a flow without a batch model can do without.
    from flows.batch.frozen import decode

    try:
        return decode(frame, key)
    except CodecError as error:
        raise ProjectError(f"the batch model cannot be used: {error}") from error

"""The one stateful step: a learner per shard, fed lists, saved as finished bytes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from bytewax.operators import StatefulBatchLogic

from flows import logs
from flows.errors import ProjectError
from flows.learning.batch_challenger import BATCH, ONLINE
from flows.learning.learner import Learner, State
from flows.projects.spec import Label, Project
from flows.settings import Settings
from flows.streaming import batch_model, faults, instruments
from flows.streaming.commands import Desk, obey
from flows.streaming.guard import guarded
from flows.streaming.messages import (
    Curve,
    Decoded,
    EventRow,
    Learned,
    Order,
    OutcomeRow,
    Publication,
)
from flows.streaming.publisher import Publisher
from flows.streaming.start import Start
from flows.streaming.stopwatch import Stopwatch

_log = logging.getLogger("flows")

Output = tuple[Iterable[Learned], bool]


class LearnLogic(StatefulBatchLogic[Decoded, Learned, bytes]):
    """Owns one shard's learner. Wall clock only decides when to publish, never what is learnt.

    Bytewax does not tell a logic its key, so a shard without a snapshot gets its learner with its
    first batch.
    """

    def __init__(
        self,
        project: Project,
        settings: Settings,
        start: Start,
        desk: Desk,
        snapshot: bytes | None,
    ) -> None:
        self._project = project
        self._settings = settings
        self._start = start
        self._desk = desk
        self._saved = 0
        self._stopwatch = Stopwatch(project.slug, project.task)
        self._key = settings.signing_key.get_secret_value().encode()
        self._learner: Learner | None = None
        self._publisher: Publisher | None = None
        self._last: Decoded | None = None
        if snapshot is not None:
            self._learner = Learner(project, batch_model.restore(snapshot, self._key))
            self._save()
            _tell_what_is_awaited(self._learner.state)

    @guarded
    def on_batch(self, values: list[Decoded]) -> Output:
        if self._saved:
            # The next epoch's first batch comes after the commit of the last one.
            self._desk.obeyed(values[0].source.partition, self._saved)
            self._saved = 0
        taken = [self._take(decoded) for decoded in values]
        if self._learner is not None:
            self._desk.tests(values[0].source.partition, self._learner.state.batch)
        return taken, StatefulBatchLogic.RETAIN

    @guarded
    def on_eof(self) -> Output:
        """Publish what is known at the end, with a version of it."""
        if self._last is None or self._learner is None or self._publisher is None:
            return [], StatefulBatchLogic.RETAIN
        if not self._learner.state.counts["learned"]:
            return [], StatefulBatchLogic.RETAIN
        last = self._publisher.last_words(self._learner.state)
        return [_learned(self._last, self._learner.state, last)], StatefulBatchLogic.RETAIN

    @guarded
    def snapshot(self) -> bytes:
        with instruments.timed(self._project.slug, "snapshot"):
            frame = batch_model.save(self._learner.state if self._learner else None, self._key)
        faults.point("learn.snapshot")
        self._save()
        instruments.STATE_BYTES.labels(self._project.slug).set(len(frame))
        return frame

    def _take(self, decoded: Decoded) -> Learned:
        self._last = decoded
        shard = decoded.source.partition
        if self._learner is None:
            self._learner = self._start.learner(shard)
        if self._publisher is None:
            self._publisher = Publisher(self._project, self._settings, shard)
        if decoded.order is not None:
            self._learner = self._obey(self._learner, decoded, decoded.order)
        self._learner.task = self._stopwatch.task()
        with instruments.timed(self._project.slug, "learn"):
            learned = learn(self._learner, decoded)
        with instruments.timed(self._project.slug, "publish"):
            publication = self._publisher.due(self._learner.state)
        learned = msgspec.structs.replace(learned, publication=publication)
        instruments.count_decoded(self._project.slug, decoded)
        instruments.count_learned(self._project, learned)
        return learned

    def _obey(self, learner: Learner, decoded: Decoded, order: Order) -> Learner:
        """The learner that goes on; one that cannot obey says so and goes on as it was."""
        state = learner.state
        try:
            state = obey(self._project, state, order, decoded.source, self._key)
        except ProjectError as error:
            _log.error("command %d is refused: %s", order.number, error, extra=_at(decoded))
            self._desk.refused(order, str(error))
            state.command = order.number
        return learner if state is learner.state else Learner(self._project, state)

    def _save(self) -> None:
        """Note which command will have been done when the epoch has closed."""
        if self._learner is not None and not self._learner.state.awaiting:
            self._saved = self._learner.state.command


def learn(learner: Learner, decoded: Decoded) -> Learned:
    """Feed one poll to a learner, in its order; nothing of a log that it waits to be moved."""
    learned = _learned(decoded, learner.state, None)
    if str(decoded.source) in learner.state.awaiting:
        return learned
    state, counts = learner.state, learner.state.counts
    events, outcomes = learned.events, learned.outcomes
    offset = -1
    try:
        for message, value in decoded.accepted:
            offset, time = message.offset, message.time
            before = counts["learned"]
            if type(value) is Label:
                settled = learner.answer(value.event_id, value.label, time)
            else:
                prediction, settled = learner.observe(value, time)
                # What this event itself settled comes last.
                matched = settled and settled[-1].status == "matched"
                error = settled[-1].error if matched else None
                events.append(EventRow(offset, time, value, prediction, error, before))
            for outcome in settled:
                outcomes.append(OutcomeRow.of(message, outcome))
            if counts["learned"] > before and is_curve_point(counts["learned"]):
                if state.batch is not None:
                    state.batch.catch_up(learner.task)
                learned.curve.append(Curve(counts["learned"], time, curve_metrics(state)))
    except Exception as error:
        logs.mark(error, decoded.source.topic, decoded.source.partition, offset)
        error.add_note(f"while learning from {decoded.source}, offset {offset}")
        raise
    _account(state, decoded)
    return learned


def _tell_what_is_awaited(state: State) -> None:
    if state.awaiting:
        _log.warning(
            "rollback %d is half done: nothing of %s is learnt before it is read from where the"
            " version was; if Redis has lost the command, send the rollback again",
            state.command,
            ", ".join(state.awaiting),
        )


def _at(decoded: Decoded) -> dict[str, Any]:
    source = decoded.source
    return {"topic": source.topic, "partition": source.partition, "offset": decoded.position}


def _learned(decoded: Decoded, state: State, publication: Publication | None) -> Learned:
    return Learned(
        decoded.source, decoded.identity, state.lineage, [], [], [], publication, decoded.lag
    )


def _account(state: State, decoded: Decoded) -> None:
    """Note how far the log has been taken in, dead letters included."""
    log = str(decoded.source)
    state.counts["dead_letters"] += len(decoded.rejected)
    same = state.sources.get(log) == decoded.identity
    known = state.offsets[log] if same else -1
    offsets = [message.offset for message, _ in decoded.accepted[-1:]]
    offsets += [rejected.message.offset for rejected in decoded.rejected[-1:]]
    state.sources[log] = decoded.identity
    state.offsets[log] = max([known, decoded.position - 1, *offsets])


def curve_metrics(state: State) -> dict[str, float]:
    """The champion's metrics, the challengers' under their names, and how often drift was told.

    Those of the batch model stand beside the champion's on the same events.
    """
    metrics = {**state.metrics.values(), "DriftAlarms": float(state.counts["alarms"])}
    for rival, one in state.challengers.items():
        metrics |= _under(rival, one.metrics.values())
    if state.batch is not None:
        duel = state.batch.duel
        metrics |= _under(BATCH, duel.batch) | _under(ONLINE, duel.online)
    return metrics


def _under(prefix: str, metrics: dict[str, float]) -> dict[str, float]:
    return {f"{prefix}/{name}": value for name, value in metrics.items()}


def is_curve_point(learned: int) -> bool:
    """Curves are dense at first, and a point is always worth less than the events it costs."""
    if learned <= 1_000:
        return learned % 100 == 0
    return learned % (1_000 if learned <= 10_000 else 5_000) == 0


def learn_logic(
    project: Project, settings: Settings, start: Start, desk: Desk
) -> Callable[[bytes | None], LearnLogic]:
    """Make the builder that Bytewax calls with a snapshot, or with None for a new shard."""

    @guarded
    def build(snapshot: bytes | None) -> LearnLogic:
        return LearnLogic(project, settings, start, desk, snapshot)

    return build

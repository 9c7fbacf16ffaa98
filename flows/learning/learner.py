"""A model that is tested on every event before it learns from it, however late the label comes.

All that a learner knows is in one `State`, so one snapshot is always consistent. It is
deterministic: the same messages in the same order make the same state, predictions and outcomes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from flows.learning.contest import Contest
from flows.learning.drift import Alarm
from flows.learning.input_drift import InputDrift
from flows.learning.state import ORIGINAL, Challenger, Outcome, State, Waiting
from flows.learning.succession import promote_winner

if TYPE_CHECKING:
    from flows.projects.spec import Project

REMEMBERED_IDS = 10_000

__all__ = ["REMEMBERED_IDS", "Challenger", "Learner", "Outcome", "State", "Waiting"]


class Learner:
    """Predicts events, scores and learns their labels.

    Times are seconds since 1970 as the messages carry them; the newest one seen is the learner's
    clock, so that waiting ends at the same message on every replay.
    """

    def __init__(self, project: Project, state: State) -> None:
        self.project = project
        self.state = state
        self.task = project.task
        self._id = project.event_id
        self._label = project.label
        self._horizon = project.horizon.total_seconds()
        self._meet_challengers()

    @classmethod
    def fresh(cls, project: Project, lineage: int = 0) -> Learner:
        """Make a learner that has seen nothing."""
        metrics = project.task.metrics
        state = State(project.model(), metrics(), lineage, lineage)
        state.past = project.past() if project.past else None
        state.drift = project.task.detector()
        state.inputs = InputDrift(project.seasonal_inputs)
        return cls(project, state)

    def observe(self, event: Any, time: float) -> tuple[Any | None, list[Outcome]]:
        """Predict an event, and learn at once if its label is there.

        Returns the prediction, None for a repeated event or a model that knows too little, and
        what the event settled.
        """
        state = self.state
        state.counts["events"] += 1
        outcomes = self._pass_time(time)
        event_id = getattr(event, self._id)
        if event_id in state.remembered or event_id in state.waiting:
            outcomes.append(self._count(Outcome(event_id, "duplicate")))
            return None, outcomes
        prediction, waiting = self._predict(event, time)
        if self._label is None:
            self._learn(waiting, None, time)
            self._remember(event_id)
            return prediction, outcomes
        label = getattr(event, self._label)
        if state.early and event_id in state.early:
            early, early_time = state.early.pop(event_id)
            if label is None:
                label, time = early, early_time
            else:
                outcomes.append(self._count(Outcome(event_id, "duplicate", early)))
        if label is None:
            state.waiting[event_id] = waiting
        else:
            outcomes.append(self._settle(event_id, waiting, label, time))
        return prediction, outcomes

    def answer(self, event_id: str, label: Any, time: float) -> list[Outcome]:
        """Take a label that came by itself. Raises EventError when it is none of the task's."""
        label = self.task.check_label(label)
        state = self.state
        state.counts["labels"] += 1
        outcomes = self._pass_time(time)
        waiting = state.waiting.pop(event_id, None)
        if waiting is not None:
            outcomes.append(self._settle(event_id, waiting, label, time))
        elif event_id in state.remembered or event_id in state.early:
            outcomes.append(self._count(Outcome(event_id, "duplicate", label)))
        else:
            state.early[event_id] = (label, time)
        return outcomes

    def _meet_challengers(self) -> None:
        """Keep those that the project still names, and begin with those that are new."""
        state, project = self.state, self.project
        builders = {ORIGINAL: project.model, **project.challengers}
        state.challengers = {
            name: state.challengers.get(name) or Challenger(build(), project.task.metrics())
            for name, build in builders.items()
            if name != state.leads
        }

    def _predict(self, event: Any, time: float) -> tuple[Any | None, Waiting]:
        """Predict from what is known before the event, and keep what is needed to learn it."""
        state, predict = self.state, self.task.predict
        past = state.past
        features = self.project.inputs(event, past)
        prediction = predict(state.model, features)
        rivals = {name: predict(one.model, features) for name, one in state.challengers.items()}
        if past is not None:
            past.note(event)
        for alarm in state.inputs.update(features):
            self._ring(alarm, time)
        learned, taken = state.counts["learned"], None
        if state.batch is not None:
            own_time = getattr(event, self.project.time).timestamp()
            taken = state.batch.take(features, own_time)
        waiting = Waiting(features, prediction, learned, time, rivals, state.leads, taken)
        return prediction, waiting

    def _settle(self, event_id: str, waiting: Waiting, label: Any, time: float) -> Outcome:
        error = self._learn(waiting, label, time)
        self._remember(event_id)
        delay, learned = max(0.0, time - waiting.time), waiting.events_learned
        self.state.delays.append(delay)
        return self._count(
            Outcome(event_id, "matched", label, waiting.prediction, error, delay, learned)
        )

    def _learn(self, waiting: Waiting, label: Any, time: float) -> float | None:
        """Score the predictions made back then, then learn. Returns the error of what was said."""
        state, task, features = self.state, self.task, waiting.features
        by_leader = waiting.by == state.leads
        rivals = waiting.rivals if by_leader else waiting.said
        own = waiting.prediction if by_leader else rivals.get(state.leads)
        error = None
        if own is not None:
            error = task.error(label, own)
            state.metrics.update(label, own, waiting.time)
        task.learn(state.model, features, label)
        errors: dict[str, float] = {}
        for name, rival in state.challengers.items():
            said = rivals.get(name)
            if said is not None:
                errors[name] = task.error(label, said)
                rival.metrics.update(label, said, waiting.time)
            task.learn(rival.model, features, label)
        if state.batch is not None:
            state.batch.settle(task, waiting.taken, own, features, label, waiting.time)
        state.counts["learned"] += 1
        if error is not None:
            self._watch(error, errors, time)
        if by_leader or waiting.prediction is None:
            return error if by_leader else None
        return task.error(label, waiting.prediction)

    def _watch(self, error: float, errors: dict[str, float], time: float) -> None:
        """Look for drift in the champion's errors, and for a challenger that errs less."""
        state = self.state
        if alarm := state.drift.update(error):
            self._ring(alarm, time)
            self._forget(alarm)
        winners = []
        for name, of_rival in errors.items():
            contest = state.contests.get(name)
            if contest is None:
                contest = state.contests[name] = Contest()
            if contest.update(error, of_rival):
                winners.append(name)
        if winners and self.project.promote_automatically:
            promote_winner(self.project, state, winners)

    def _ring(self, alarm: Alarm, time: float) -> None:
        state = self.state
        state.counts["alarms"] += 1
        state.alarms.append({**alarm, "events_learned": state.counts["learned"], "time": time})

    def _forget(self, alarm: Alarm) -> None:
        """Tell models that can forget that the stream is another one, unless it became easier."""
        models = [self.state.model, *(one.model for one in self.state.challengers.values())]
        if alarm["after"] > alarm["before"]:
            for model in models:
                if hasattr(model, "on_drift"):
                    model.on_drift()

    def _remember(self, event_id: str) -> None:
        remembered = self.state.remembered
        remembered[event_id] = None
        if len(remembered) > REMEMBERED_IDS:
            remembered.popitem(last=False)

    def _count(self, outcome: Outcome) -> Outcome:
        self.state.counts[outcome.status] += 1
        return outcome

    def _pass_time(self, time: float) -> list[Outcome]:
        """Move the clock on and let go of what has waited longer than the horizon or the cap."""
        state = self.state
        if time > state.clock:
            state.clock = time
        if not state.waiting and not state.early:
            return []
        return [self._count(outcome) for outcome in (*self._expired(), *self._orphans())]

    def _expired(self) -> Iterator[Outcome]:
        waiting, oldest_kept = self.state.waiting, self.state.clock - self._horizon
        while waiting:
            event_id = next(iter(waiting))
            first = waiting[event_id]
            if first.time >= oldest_kept and len(waiting) < self.project.max_pending:
                return
            del waiting[event_id]
            self._remember(event_id)
            waited = max(0.0, self.state.clock - first.time)
            yield Outcome(
                event_id, "expired", None, first.prediction, None, waited, first.events_learned
            )

    def _orphans(self) -> Iterator[Outcome]:
        early, oldest_kept = self.state.early, self.state.clock - self._horizon
        while early:
            event_id = next(iter(early))
            label, time = early[event_id]
            if time >= oldest_kept and len(early) < self.project.max_pending:
                return
            del early[event_id]
            yield Outcome(event_id, "orphan", label)

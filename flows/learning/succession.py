"""A challenger takes the champion's place, and the champion that of a challenger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from flows.errors import ProjectError
from flows.learning.contest import WINDOW
from flows.learning.state import Challenger, Change, State

if TYPE_CHECKING:
    from flows.projects.spec import Project

RULE = "rule"
PREVIOUS = "previous"


def promote(state: State, change: Change) -> None:
    """Let the challenger that `change` names lead; the former champion stays beside it.

    Each model keeps its metrics. `previous` names the former champion of the last change.
    Raises ProjectError when there is no such challenger.
    """
    name = challenger_of(state, change.challenger or "")
    winner = state.challengers.pop(name)
    state.challengers[state.leads] = Challenger(state.model, state.metrics)
    state.model, state.metrics = winner.model, winner.metrics
    state.leads, state.previous = name, state.leads
    state.drift = type(state.drift)()
    state.contests.clear()
    if state.batch is not None:
        state.batch.forget_contest()
    state.record(msgspec.structs.replace(change, challenger=name))


def challenger_of(state: State, name: str) -> str:
    """The challenger that a name means. Raises ProjectError with those there are."""
    meant = state.previous if name == PREVIOUS else name
    if meant in state.challengers:
        return meant
    known = ", ".join([*state.challengers, *([PREVIOUS] if state.previous else [])])
    raise ProjectError(f"no challenger {name!r}; there are: {known or 'none'}")


def promote_winner(project: Project, state: State, winners: list[str]) -> None:
    """Promote the first of those that have won a window and also lead by the project's score."""
    for name in winners:
        if _scores_better(project, state, name):
            standing = state.contests[name].standing
            why = (
                f"over the last {WINDOW} labels its error was {standing.challenger_error:.4g},"
                f" the champion's {standing.champion_error:.4g} (t = {standing.t:.1f})"
            )
            number = int(state.clock * 1000)
            promote(state, Change(number, "promotion", RULE, why, state.clock, challenger=name))
            return


def _scores_better(project: Project, state: State, name: str) -> bool:
    score = project.score
    mine = state.metrics.values().get(score)
    other = state.challengers[name].metrics.values().get(score)
    if mine is None or other is None:
        return mine is None and other is not None
    return other > mine if project.task.maximize(score) else other < mine

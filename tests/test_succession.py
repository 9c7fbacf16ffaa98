"""A challenger takes the champion's place: by hand, by rule, and back again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from river import linear_model, preprocessing

from flows.errors import ProjectError
from flows.learning import codec
from flows.learning.contest import WINDOW
from flows.learning.learner import Learner
from flows.learning.state import ORIGINAL, State
from flows.learning.succession import promote
from flows.projects.spec import Project
from tests.examples import START, VISITS, Visit, feed, visits
from tests.learner_streams import KEY, with_label
from tests.successors import HANDED, hand, prior


def logistic() -> Any:
    return preprocessing.StandardScaler() | linear_model.LogisticRegression()


RULED = replace(
    VISITS, model=prior, challengers={"logistic": logistic}, promote_automatically=True, score="F1"
)


def labelled(count: int, seed: int = 0) -> list[Visit]:
    return [with_label(VISITS, event, label) for event, label in visits(count, seed)]


def taught(project: Project, count: int = 300) -> Learner:
    learner = Learner.fresh(project)
    feed(learner, labelled(count))
    return learner


def metrics(state: State) -> dict[str, dict[str, float]]:
    beside = {name: one.metrics.values() for name, one in state.challengers.items()}
    return {state.leads: state.metrics.values(), **beside}


def test_the_promoted_leads_and_the_former_stays_beside() -> None:
    state = taught(HANDED).state
    before, former, winner = metrics(state), state.model, state.challengers["prior"].model
    promote(state, hand("prior"))
    assert (state.leads, state.previous) == ("prior", ORIGINAL)
    assert state.model is winner
    assert state.challengers[ORIGINAL].model is former
    assert metrics(state) == before
    assert set(state.challengers) == {"bayes", ORIGINAL}


def test_the_former_champion_comes_back_by_either_name() -> None:
    for name in ("previous", ORIGINAL):
        state = taught(HANDED).state
        former = state.model
        promote(state, hand("prior"))
        promote(state, hand(name))
        assert (state.leads, state.previous) == (ORIGINAL, "prior")
        assert state.model is former
        assert [one.challenger for one in state.changes] == ["prior", ORIGINAL]


def test_a_change_tells_who_when_why_and_after_how_much() -> None:
    state = taught(HANDED).state
    promote(state, hand("prior"))
    (change,) = state.changes
    assert (change.who, change.why, change.events_learned) == ("somebody", "because", 300)
    assert state.changed == 1


@pytest.mark.parametrize("name", ["nobody", "previous", ORIGINAL, ""])
def test_what_is_no_challenger_changes_nothing(name: str) -> None:
    state = taught(HANDED).state
    before = metrics(state)
    with pytest.raises(ProjectError, match="prior, bayes"):
        promote(state, hand(name))
    assert metrics(state) == before
    assert not state.changed


def test_after_a_promotion_all_learn_and_are_scored_as_before() -> None:
    """Who leads changes nothing of what each model learns and says."""
    changed, untouched = taught(HANDED), taught(HANDED)
    promote(changed.state, hand("prior"))
    more = labelled(600)[300:]
    feed(changed, more)
    feed(untouched, more)
    assert metrics(changed.state) == metrics(untouched.state)


def test_a_prediction_that_waits_is_scored_for_the_model_that_made_it() -> None:
    changed, untouched = taught(HANDED), taught(HANDED)
    events = list(visits(400))[300:]
    told: dict[str, Any] = {}
    for learner in (changed, untouched):
        feed(learner, [event for event, _ in events])
    promote(changed.state, hand("prior"))
    for learner in (changed, untouched):
        told[learner.state.leads] = [
            learner.answer(event.visit_id, label, START + 400) for event, label in events
        ]
    assert metrics(changed.state) == metrics(untouched.state)
    assert told["prior"] == told[ORIGINAL]


def test_a_restart_keeps_who_leads() -> None:
    learner = taught(HANDED)
    promote(learner.state, hand("prior"))
    again = Learner(HANDED, codec.loads(codec.dumps(learner.state, KEY), KEY))
    assert again.state.leads == "prior"
    assert metrics(again.state) == metrics(learner.state)


def test_by_rule_the_better_is_promoted_at_the_end_of_a_window() -> None:
    learner = taught(RULED, 2 * WINDOW)
    state = learner.state
    assert (state.leads, state.previous) == ("logistic", ORIGINAL)
    (change,) = state.changes
    assert (change.who, change.events_learned) == (
        "rule",
        WINDOW + 1,
    )  # the first had no prediction
    assert f"over the last {WINDOW} labels" in change.why


def test_by_rule_a_replay_promotes_at_the_same_label() -> None:
    whole = taught(RULED, 2 * WINDOW)
    parts = Learner.fresh(RULED)
    events = labelled(2 * WINDOW)
    for start in range(0, len(events), 700):
        parts = Learner(RULED, codec.loads(codec.dumps(parts.state, KEY), KEY))
        feed(parts, events[start : start + 700], start)
    assert list(parts.state.changes) == list(whole.state.changes)
    assert metrics(parts.state) == metrics(whole.state)


def test_the_rule_is_off_unless_the_project_says_so() -> None:
    learner = taught(replace(RULED, promote_automatically=False), 2 * WINDOW)
    assert learner.state.leads == ORIGINAL
    assert (learner.state.contests["logistic"].standing.t or 0) > 5


@pytest.mark.parametrize("name", ["original", "previous"])
def test_names_that_commands_use_are_taken(name: str) -> None:
    with pytest.raises(ProjectError, match=name):
        replace(VISITS, challengers={name: prior})


def test_a_learner_saved_before_there_were_promotions_goes_on() -> None:
    state = taught(HANDED).state
    getstate: Any = state.__getstate__
    _, saved = getstate()
    added = ("leads", "previous", "contests", "delays", "changes", "changed", "command", "awaiting")
    older = State.__new__(State)
    older.__setstate__((None, {k: v for k, v in saved.items() if k not in added}))
    assert (older.leads, older.changed, list(older.changes)) == (ORIGINAL, 0, [])
    feed(Learner(HANDED, older), labelled(400)[300:])
    assert older.counts["learned"] == 400

"""The learner against River's own test-then-train loop, and what it owes to any order of things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.learning import codec
from flows.learning.learner import Learner
from flows.projects import fraud
from flows.projects.spec import Project
from tests.examples import (
    START,
    VISITS,
    feed,
    fraud_events,
    visit,
    visits,
    without_label,
)
from tests.learner_streams import (
    KEY,
    MODELS,
    Labelled,
    PositiveOnTies,
    Step,
    by_class,
    by_probability,
    by_window,
    essence,
    late_steps,
    oracle,
    play,
    run,
    trace,
    with_label,
)


def test_without_delay_equals_river(stream: tuple[Project, Labelled]) -> None:
    project, labelled = stream
    learner = Learner.fresh(project)
    for number, (event, label) in enumerate(labelled):
        learner.observe(with_label(project, event, label), START + number)
    assert_equals_river(learner, project, labelled, None)


@pytest.mark.parametrize("delay", [1, 500])
def test_with_a_delay_equals_river(stream: tuple[Project, Labelled], delay: int) -> None:
    project, labelled = stream
    assert_equals_river(run(project, labelled, delay), project, labelled, delay)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=80), st.integers(0, 5))
def test_with_any_delays_equals_river(delays: list[int], seed: int) -> None:
    project, labelled = replace(VISITS, model=PositiveOnTies), visits(len(delays), seed)
    assert_equals_river(run(project, labelled, delays), project, labelled, delays)


def assert_equals_river(
    learner: Learner, project: Project, labelled: Labelled, delays: Sequence[int] | int | None
) -> None:
    """Exactly: wherever ours has a value, and it has all of them once both classes were seen."""
    expected = oracle(project, labelled, by_class(project_beta(project)), delays)
    expected |= oracle(project, labelled, by_probability(), delays)
    expected |= oracle(project, labelled, [by_window()], delays)
    measured = learner.state.metrics.values()
    measured.pop("BrierScore", None)
    assert measured == {name: expected[name] for name in measured}
    if len(labelled) > 100:
        assert measured.keys() == expected.keys()
    assert learner.state.counts["learned"] == len(labelled)


def project_beta(project: Project) -> float:
    return fraud.BETA if project.slug == "fraud" else 1.0


@pytest.fixture(scope="module", params=[*MODELS, "fraud"])
def stream(request: pytest.FixtureRequest) -> tuple[Project, Labelled]:
    """A project with its labelled events: small ones, and the real fraud model."""
    if request.param == "fraud":
        events = fraud_events(3_000)
        return fraud.PROJECT, [(without_label(one), one.is_fraud or 0) for one in events]
    return replace(VISITS, model=MODELS[request.param]), visits(1_500)


"""Is it a label, and of which visit?"""


@st.composite
def interleavings(draw: st.DrawFn) -> tuple[int, list[Step]]:
    """Every event and every label of some visits, in any order, some of them more than once."""
    count = draw(st.integers(1, 12))
    once: list[Step] = [(is_label, which) for is_label in (False, True) for which in range(count)]
    again = draw(st.lists(st.sampled_from(once), max_size=10))
    return count, draw(st.permutations(once + again))


@given(interleavings())
def test_any_interleaving_settles_the_same_pairs(case: tuple[int, list[Step]]) -> None:
    count, steps = case
    labelled = visits(count)
    learner = Learner.fresh(VISITS)
    outcomes = play(learner, labelled, steps)
    pairs = [(one.event_id, one.label) for one in outcomes if one.status == "matched"]
    assert sorted(pairs) == sorted((event.visit_id, label) for event, label in labelled)
    assert learner.state.counts["learned"] == count
    assert not learner.state.waiting
    assert not learner.state.early


@given(interleavings())
def test_what_comes_again_changes_nothing_but_its_count(case: tuple[int, list[Step]]) -> None:
    count, steps = case
    labelled = visits(count)
    repeated, once = Learner.fresh(VISITS), Learner.fresh(VISITS)
    outcomes = play(repeated, labelled, steps)
    play(once, labelled, dict.fromkeys(steps))
    assert essence(repeated.state) == essence(once.state)
    duplicates = [one for one in outcomes if one.status == "duplicate"]
    assert len(duplicates) == repeated.state.counts["duplicate"] == len(steps) - 2 * count


@pytest.mark.parametrize("cut", [0, 1, 250, 499])
def test_a_restored_learner_goes_on_as_if_never_interrupted(
    stream: tuple[Project, Labelled], cut: int
) -> None:
    project, labelled = stream
    labelled = labelled[:600]
    steps = late_steps(len(labelled), seed=cut)
    whole, half = Learner.fresh(project, lineage=7), Learner.fresh(project, lineage=7)
    expected = trace(whole, labelled, steps, 0)
    actual = trace(half, labelled, steps[:cut], 0)
    restored = Learner(project, codec.loads(codec.dumps(half.state, KEY), KEY))
    actual += trace(restored, labelled, steps[cut:], cut)
    assert actual == expected
    assert restored.state.metrics.values() == whole.state.metrics.values()
    assert restored.state.metrics.report() == whole.state.metrics.report()
    assert restored.state.counts == whole.state.counts
    assert restored.state.version == whole.state.version
    assert list(restored.state.alarms) == list(whole.state.alarms)


def test_two_learners_agree_to_the_last_bit(stream: tuple[Project, Labelled]) -> None:
    project, labelled = stream
    frames = []
    for _ in range(2):
        learner = Learner.fresh(project)
        trace(learner, labelled, late_steps(300, seed=1), 0)
        frames.append(codec.dumps(learner.state, KEY))
    assert frames[0] == frames[1]


def test_the_version_names_lineage_and_what_was_learnt() -> None:
    learner = Learner.fresh(VISITS, lineage=42)
    feed(learner, [visit(0, bought=1), visit(1), visit(2, bought=0)])
    assert learner.state.version == "16.2"

"""What every project owes to the platform: a suite of small checks over any of them.

`yield_checks` gives them; each takes a `Sample` and raises AssertionError where a promise is
broken. They need no server. The idea is that of `river.checks`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from flows.learning import codec
from flows.learning.learner import Learner, Outcome
from flows.projects.forms import form_fields, random_event
from flows.projects.spec import Project
from flows.streaming.decode import decoder
from flows.streaming.learn import learn
from flows.streaming.messages import Decoded, Learned, Message, Polled, Source
from flows.streaming.rows import EventRows, OutcomeRows
from tests.samples import WARM_UP, Sample, Value, observe

KEY = b"a key for checks"
LARGEST_STATE = 4_000_000
STRANGE = "never seen before"
START = 1_767_225_600.0


Check = Callable[[Sample], None]


def yield_checks(project: Project) -> Iterator[Check]:
    """All checks that concern a project."""
    yield check_events_survive_encoding
    yield check_a_form_makes_events
    yield check_predicts_before_learning
    yield check_predictions_are_of_their_type
    yield check_features_do_not_change_the_event
    yield check_predicting_does_not_change_the_learner
    yield check_no_forbidden_inputs
    yield check_unknown_categories
    yield check_missing_fields
    yield check_unknown_fields_are_ignored
    yield check_a_copy_goes_on_alike
    yield check_the_same_events_make_the_same_bytes
    yield check_state_is_bounded
    yield check_repeated_events_change_nothing
    yield check_metrics_and_report_are_json
    yield check_rows_hold_what_was_predicted
    yield check_reasons_are_numbers
    if project.label is not None:
        yield check_a_late_label_is_as_good_as_an_early_one
        yield check_labels_survive_encoding


def check_events_survive_encoding(sample: Sample) -> None:
    for event in sample.events(0, 100):
        encoded = msgspec.json.encode(event)
        assert msgspec.json.decode(encoded, type=sample.project.event) == event


def check_a_form_makes_events(sample: Sample) -> None:
    """What the page's form draws is an event, and every field says what it means."""
    project = sample.project
    for seed in range(20):
        drawn = random_event(project.event, random.Random(seed), hidden=project.hidden)
        event = msgspec.convert(drawn, project.event)
        assert Learner.fresh(project).observe(event, START)
    assert all(field.help for field in form_fields(project.event))


def check_predicts_before_learning(sample: Sample) -> None:
    """A learner that knows nothing answers, or says that it cannot; it never fails."""
    project = sample.project
    predictor = Learner.fresh(project).state.predictor
    for event in sample.events(0, 5):
        said = predictor.predict(project, event)
        assert said is None or isinstance(said, project.task.prediction)


def check_predictions_are_of_their_type(sample: Sample) -> None:
    project, predictor = sample.project, sample.learner().state.predictor
    for event in sample.events(WARM_UP, WARM_UP + 50):
        said = predictor.predict(project, event)
        assert said is not None
        assert msgspec.convert(msgspec.to_builtins(said), project.task.prediction) == said


def check_features_do_not_change_the_event(sample: Sample) -> None:
    past = sample.learner().state.past
    for event in sample.events(WARM_UP, WARM_UP + 50):
        before = msgspec.json.encode(event)
        first, second = (sample.project.inputs(event, past) for _ in range(2))
        assert first == second
        first.clear()
        assert sample.project.inputs(event, past) == second
        assert msgspec.json.encode(event) == before


def check_predicting_does_not_change_the_learner(sample: Sample) -> None:
    state = sample.learner().state
    before = codec.dumps(state, KEY)
    said = [state.predictor.predict(sample.project, event) for event in sample.events(-50)]
    again = [state.predictor.predict(sample.project, event) for event in sample.events(-50)]
    assert said == again
    assert codec.dumps(state, KEY) == before


def check_no_forbidden_inputs(sample: Sample) -> None:
    """Neither the label nor a forbidden field is an input, or moves one."""
    project, state = sample.project, sample.learner().state
    secret = {*project.forbidden_inputs, *project.unknown}
    for event in sample.events(WARM_UP, WARM_UP + 50):
        inputs = project.inputs(event, state.past)
        assert not secret & inputs.keys()
        values = msgspec.to_builtins(event)
        other = sample.event({**values, **{name: _other(values[name]) for name in secret}})
        assert project.inputs(other, state.past) == inputs


def check_unknown_categories(sample: Sample) -> None:
    """Texts that nobody has seen are predicted and learnt; of a new entity one may say nothing."""
    learner, entities = sample.learner(), sample.project.entities
    strange = [_strange(value, number) for number, value in enumerate(sample.values[-20:])]
    known = [
        {
            **odd,
            **{name: value[name] for name in entities},
            sample.project.event_id: f"odd {number}",
        }
        for number, (odd, value) in enumerate(zip(strange, sample.values, strict=False))
    ]
    observe(learner, [sample.event(value) for value in strange])
    for said in observe(learner, [sample.event(value) for value in known]):
        assert said is not None


def check_missing_fields(sample: Sample) -> None:
    """What an event may lack, it lacks without harm."""
    project, learner = sample.project, sample.learner()
    optional = _optional(project)
    for number, value in enumerate(sample.values[-20:]):
        bare = {name: part for name, part in value.items() if name not in optional}
        event = sample.event({**bare, project.event_id: f"bare {number}"})
        observe(learner, [event])
    assert learner.state.counts["duplicate"] == 0


def check_unknown_fields_are_ignored(sample: Sample) -> None:
    for value in sample.values[:20]:
        assert sample.event({**value, "a field of tomorrow": {"x": [1]}}) == sample.event(value)


def check_a_copy_goes_on_alike(sample: Sample) -> None:
    """A saved learner predicts 200 further events as if it had never been away."""
    learner = sample.learner()
    copy = Learner(sample.project, codec.loads(codec.dumps(learner.state, KEY), KEY))
    later = sample.events(WARM_UP, WARM_UP + 200)
    assert observe(copy, later) == observe(learner, later)
    assert copy.state.metrics.values() == learner.state.metrics.values()
    assert copy.state.report == learner.state.report
    assert copy.state.counts == learner.state.counts


def check_the_same_events_make_the_same_bytes(sample: Sample) -> None:
    first, second = (sample.learner().state for _ in range(2))
    same = codec.dumps(first, KEY) == codec.dumps(second, KEY)
    assert same, "the same events made two different learners; give every model its seed"


def check_state_is_bounded(sample: Sample) -> None:
    size = len(codec.dumps(sample.learner(len(sample.values)).state, KEY))
    assert size < LARGEST_STATE, f"{size} bytes after {len(sample.values)} events; bound the model"


def check_repeated_events_change_nothing(sample: Sample) -> None:
    learner, events = sample.learner(), sample.events(0, WARM_UP)
    predictor = codec.dumps(learner.state.predictor, KEY)
    assert observe(learner, events) == [None] * WARM_UP
    assert learner.state.counts["duplicate"] == WARM_UP
    assert codec.dumps(learner.state.predictor, KEY) == predictor


def check_metrics_and_report_are_json(sample: Sample) -> None:
    state = sample.learner(len(sample.values)).state
    values = state.metrics.values()
    assert sample.project.score in values
    assert all(isinstance(value, float | int) for value in values.values())
    for plain in (values, state.report, list(state.alarms)):
        assert msgspec.json.decode(msgspec.json.encode(plain)) is not None
        assert "NaN" not in msgspec.json.encode(plain).decode()


def check_rows_hold_what_was_predicted(sample: Sample) -> None:
    project = sample.project
    learned = _learned(sample)
    table = EventRows(project).table(learned, learned.events)
    assert table.num_rows == len(learned.events) == WARM_UP
    assert table[project.event_id].to_pylist() == [
        getattr(row.event, project.event_id) for row in learned.events
    ]
    name = project.task.prediction.__struct_encode_fields__[0]
    said = [row.prediction and getattr(row.prediction, name) for row in learned.events]
    assert msgspec.to_builtins(said) == table[f"prediction_{name}"].to_pylist()
    if project.label is not None:
        outcomes = OutcomeRows(project).table(learned, learned.outcomes)
        assert outcomes.num_rows == len(learned.outcomes)


def check_reasons_are_numbers(sample: Sample) -> None:
    """A model that explains itself does so in numbers, by names of its inputs."""
    state = sample.learner().state
    explain = getattr(state.model, "explain_one", None)
    if explain is None:
        return
    for event in sample.events(WARM_UP, WARM_UP + 20):
        reasons = explain(sample.project.inputs(event, state.past))
        assert all(isinstance(float(reason), float) for reason in reasons.values())


def check_a_late_label_is_as_good_as_an_early_one(sample: Sample) -> None:
    """In the end nothing waits, and the model is the one that it would have been."""
    project, events = sample.project, sample.events(0, WARM_UP)
    prompt, late = sample.learner(), Learner.fresh(project, lineage=1)
    observe(late, [sample.unlabelled(event) for event in events])
    assert len(late.state.waiting) == WARM_UP
    settled: list[Outcome] = []
    for event in events:
        event_id, label = getattr(event, project.event_id), getattr(event, str(project.label))
        settled += late.answer(event_id, label, late.state.clock)
    assert {one.status for one in settled} == {"matched"}
    assert not late.state.waiting
    assert late.state.counts["learned"] == prompt.state.counts["learned"] == WARM_UP


def check_labels_survive_encoding(sample: Sample) -> None:
    project = sample.project
    decode = decoder(project)
    for number, event in enumerate(sample.events(0, 20)):
        label = getattr(event, str(project.label))
        value = msgspec.json.encode(
            {
                "event_id": getattr(event, project.event_id),
                "label": label,
                "timestamp": getattr(event, project.time),
            }
        )
        message = Message(number, START, b"key", value)
        decoded = decode(Polled(Source(project.labels_topic, 0), "", [message]))
        assert not decoded.rejected
        assert decoded.accepted[0][1].label == label


def _learned(sample: Sample) -> Learned:
    project = sample.project
    accepted = [
        (Message(number, getattr(event, project.time).timestamp(), None, None), event)
        for number, event in enumerate(sample.events(0, WARM_UP))
    ]
    decoded = Decoded(Source(project.topic, 0), "log", accepted, [], None, WARM_UP)
    return learn(Learner.fresh(project, lineage=1), decoded)


def _optional(project: Project) -> set[str]:
    """Fields that an event may do without."""
    fields = msgspec.structs.fields(project.event)
    return {field.encode_name for field in fields if not field.required}


def _other(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    return 1 - value if value in (0, 1) else value + 1 if isinstance(value, int | float) else value


def _strange(value: Value, number: int) -> Value:
    """The same event with texts of another kind, times excepted."""
    return {name: _strange_part(name, part, number) for name, part in value.items()}


def _strange_part(name: str, part: Any, number: int) -> Any:
    if isinstance(part, dict):
        return {inner: _strange_part(inner, value, number) for inner, value in part.items()}
    if not isinstance(part, str) or name == "timestamp":
        return part
    return f"{STRANGE} {number}"

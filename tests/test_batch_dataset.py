from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flows import projects
from flows.batch.dataset import load
from flows.batch.order import Order, silent
from flows.batch.table import Table, split
from flows.errors import EventError, ProjectError, StoreError
from flows.projects import fraud
from flows.projects._fraud_past import FraudPast
from flows.settings import Settings
from tests.batch_parts import drawn, lake

PROJECT = fraud.PROJECT
COUNT = 300


@pytest.fixture(scope="module")
def events() -> list[fraud.Transaction]:
    return drawn(PROJECT, COUNT, profile="living", seed=3)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, events: list[fraud.Transaction]) -> Settings:
    return lake(tmp_path_factory.mktemp("lake"), PROJECT, events)


def known(inputs: dict[str, Any]) -> dict[str, Any]:
    """Inputs as a table gives them back: numbers are floats, what is missing is left out."""
    return {
        name: value if isinstance(value, str) else float(value)
        for name, value in inputs.items()
        if value is not None
    }


def replayed(events: list[Any]) -> list[dict[str, Any]]:
    past, inputs = FraudPast(), []
    for event in events:
        inputs.append(known(PROJECT.inputs(event, past)))
        past.note(event)
    return inputs


def test_inputs_are_those_that_the_learner_saw(
    settings: Settings, events: list[fraud.Transaction]
) -> None:
    data = load(PROJECT, settings, Order(), silent)
    assert list(data.table.inputs()) == replayed(events)
    assert data.table.labels.tolist() == [event.is_fraud for event in events]
    assert data.table.times.tolist() == [event.timestamp.timestamp() for event in events]
    assert data.table.keys.tolist() == [event.user_id for event in events]
    assert data.past is not None
    assert data.versions == {PROJECT.topic: 1, f"{PROJECT.topic}_outcomes": 1}


def test_the_newest_rows_are_replayed_from_the_first_of_them(
    settings: Settings, events: list[fraud.Transaction]
) -> None:
    data = load(PROJECT, settings, Order(rows=100), silent)
    assert list(data.table.inputs()) == replayed(events[-100:])


def test_rows_since_a_time_are_those_and_no_others(
    settings: Settings, events: list[fraud.Transaction]
) -> None:
    table = load(PROJECT, settings, Order(since=events[120].timestamp), silent).table
    assert len(table) == COUNT - 120
    both = load(PROJECT, settings, Order(rows=10, since=events[120].timestamp), silent).table
    assert len(both) == 10


def test_labels_that_came_later_are_joined(
    tmp_path: Path, settings: Settings, events: list[fraud.Transaction]
) -> None:
    late = lake(tmp_path, PROJECT, events, late=True)
    with_label = load(PROJECT, settings, Order(), silent).table
    joined = load(PROJECT, late, Order(), silent).table
    assert joined.frame.equals(with_label.frame)
    assert joined.labels.tolist() == with_label.labels.tolist()


def test_events_without_a_label_are_remembered_and_not_learnt(
    tmp_path: Path, events: list[fraud.Transaction]
) -> None:
    some = [
        event if number % 3 else msgspec.structs.replace(event, is_fraud=None)
        for number, event in enumerate(events)
    ]
    table = load(PROJECT, lake(tmp_path, PROJECT, some), Order(), silent).table
    wanted = [one for number, one in enumerate(replayed(events)) if number % 3]
    assert list(table.inputs()) == wanted


def test_an_event_that_came_twice_is_taken_once(
    tmp_path: Path, events: list[fraud.Transaction]
) -> None:
    settings = lake(tmp_path, PROJECT, [*events[:50], *events[:20]])
    assert len(load(PROJECT, settings, Order(), silent).table) == 50


def test_an_older_version_of_the_lake_is_read_again(
    tmp_path: Path, events: list[fraud.Transaction]
) -> None:
    settings = lake(tmp_path, PROJECT, events, late=True)
    before = {PROJECT.topic: 1, f"{PROJECT.topic}_outcomes": 0}
    assert len(load(PROJECT, settings, Order(), silent, before).table) == 0
    assert len(load(PROJECT, settings, Order(), silent).table) == COUNT


def test_a_project_without_labels_has_all_its_events(tmp_path: Path) -> None:
    project = projects.get("interactions")
    visits = drawn(project, 200, profile="living")
    table = load(project, lake(tmp_path, project, visits), Order(rows=150), silent).table
    assert len(table) == 150
    assert set(table.labels) == {None}
    assert "events" in table.numbers
    assert "source" in table.categories


def test_a_forbidden_input_is_refused(settings: Settings) -> None:
    peeking = replace(PROJECT, forbidden_inputs=frozenset({"amount"}))
    with pytest.raises(ProjectError, match="amount, which no model may see"):
        load(peeking, settings, Order(), silent)


def test_a_lake_without_tables_is_told(tmp_path: Path) -> None:
    nothing = Settings(_env_file=None, lake_uri=str(tmp_path / "nothing"))
    with pytest.raises(StoreError, match=r"there is no table .*start a flow"):
        load(PROJECT, nothing, Order(), silent)


def test_whoever_hears_of_progress_can_end_the_work(settings: Settings) -> None:
    def stop(_share: float, _stage: str) -> None:
        raise EventError("enough")

    with pytest.raises(EventError, match="enough"):
        load(PROJECT, settings, Order(), stop)


def test_parts_follow_each_other_in_time(settings: Settings) -> None:
    table = load(PROJECT, settings, Order(), silent).table
    parts = split(table)
    train, validation, test = parts.train, parts.validation, parts.test
    assert [len(part) for part in (train, validation, test)] == [180, 60, 60]
    assert train.times[-1] <= validation.times[0] <= validation.times[-1] <= test.times[0]


def test_rows_come_in_order_of_their_events_times(tmp_path: Path) -> None:
    late_comer = drawn(PROJECT, 40)
    shuffled = [*late_comer[20:], *late_comer[:20]]
    table = load(PROJECT, lake(tmp_path, PROJECT, shuffled), Order(), silent).table
    assert sorted(table.times) == table.times.tolist()
    assert isinstance(table, Table)

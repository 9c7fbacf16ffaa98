"""The comparison of two runs must see every kind of damage, so each kind is done here."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from flows.projects import fraud
from flows.streaming.messages import Message, Source
from scripts import crash_test
from scripts.crash.account import Account, Verdict, compare
from scripts.crash.alone import NOT_COMPARED, learn_alone
from tests.examples import fraud_values

PROJECT = fraud.PROJECT
OUTCOMES = f"{PROJECT.topic}_outcomes"
EVENTS = 400
BROKEN_AT = 250


def messages(seed: int = 0, without: int = -1) -> list[Message]:
    values = [msgspec.json.encode(value) for value in fraud_values(EVENTS, seed=seed)]
    values[BROKEN_AT] = crash_test.BROKEN
    found = [Message(at, 1.75e9 + at, b"key", value) for at, value in enumerate(values)]
    return [one for one in found if one.offset != without]


def account(given: list[Message], size: int = 100) -> Account:
    batches = [given[start : start + size] for start in range(0, len(given), size)]
    return learn_alone(PROJECT, Source(PROJECT.topic, 0), "cluster/topic", batches).account


@pytest.fixture(scope="module")
def undisturbed() -> Account:
    return account(messages())


@pytest.fixture
def found(undisturbed: Account) -> Account:
    return copy.deepcopy(undisturbed)


def test_equal_accounts_differ_in_nothing(undisturbed: Account, found: Account) -> None:
    assert compare(undisturbed, found) == Verdict()


def test_an_account_holds_all_there_is(undisturbed: Account) -> None:
    assert len(undisturbed.tables[PROJECT.topic]) == EVENTS - 1
    assert len(undisturbed.tables[OUTCOMES]) == EVENTS - 1
    assert {step for (_, step), _ in undisturbed.curve} == {100, 200, 300}
    assert {"counts", "predictions", "live predictions"} <= undisturbed.learner.keys()


def test_how_messages_are_polled_changes_nothing(undisturbed: Account) -> None:
    assert compare(undisturbed, account(messages(), size=7)) == Verdict()


@pytest.mark.parametrize("table", [PROJECT.topic, OUTCOMES])
def test_a_lost_row_is_seen(undisturbed: Account, found: Account, table: str) -> None:
    del found.tables[table][17]
    assert compare(undisturbed, found) == Verdict(lost=1)


@pytest.mark.parametrize("table", [PROJECT.topic, OUTCOMES])
def test_a_doubled_row_is_seen(undisturbed: Account, found: Account, table: str) -> None:
    found.tables[table].append(found.tables[table][17])
    assert compare(undisturbed, found) == Verdict(doubled=1)


def test_a_table_that_is_missing_is_all_lost(undisturbed: Account, found: Account) -> None:
    del found.tables[OUTCOMES]
    assert compare(undisturbed, found) == Verdict(lost=EVENTS - 1)


def test_a_row_that_nobody_sent_is_seen(undisturbed: Account, found: Account) -> None:
    (topic, partition, _, event), content = found.tables[PROJECT.topic][0]
    found.tables[PROJECT.topic].append(((topic, partition, 10**6, event), content))
    assert compare(undisturbed, found) == Verdict(doubled=1)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        (PROJECT.topic, "prediction_probability", 0.123),
        (PROJECT.topic, "prediction_error", 0.123),
        (PROJECT.topic, "events_learned", 3),
        (PROJECT.topic, "amount", None),
        (OUTCOMES, "error", 0.123),
        (OUTCOMES, "status", "expired"),
        (OUTCOMES, "delay_seconds", 1e-9),
    ],
)
def test_another_content_is_seen(
    undisturbed: Account, found: Account, table: str, column: str, value: Any
) -> None:
    place, content = found.tables[table][17]
    row = json.loads(content)
    assert row[column] != value
    found.tables[table][17] = (place, msgspec.json.encode({**row, column: value}, order="sorted"))
    assert compare(undisturbed, found) == Verdict(wrong=1)


def test_a_wrong_row_beside_the_right_one_is_only_doubled(
    undisturbed: Account, found: Account
) -> None:
    place, _ = found.tables[PROJECT.topic][17]
    found.tables[PROJECT.topic].append((place, b"{}"))
    assert compare(undisturbed, found) == Verdict(doubled=1)


def test_a_lost_and_a_doubled_row_do_not_make_up_for_each_other(
    undisturbed: Account, found: Account
) -> None:
    found.tables[PROJECT.topic][17] = found.tables[PROJECT.topic][18]
    assert compare(undisturbed, found) == Verdict(lost=1, doubled=1)


def test_the_last_digit_of_a_probability_counts(undisturbed: Account, found: Account) -> None:
    place, content = found.tables[PROJECT.topic][300]
    row = json.loads(content)
    row["prediction_probability"] = math.nextafter(row["prediction_probability"], 1)
    found.tables[PROJECT.topic][300] = (place, msgspec.json.encode(row, order="sorted"))
    assert compare(undisturbed, found) == Verdict(wrong=1)


def test_written_anew_a_row_is_the_same(undisturbed: Account, found: Account) -> None:
    place, content = found.tables[PROJECT.topic][300]
    again = msgspec.json.encode(json.loads(content), order="sorted")
    found.tables[PROJECT.topic][300] = (place, again)
    assert compare(undisturbed, found) == Verdict()


def test_the_lineage_may_differ(undisturbed: Account) -> None:
    for _, content in undisturbed.tables[PROJECT.topic][:3]:
        assert not set(NOT_COMPARED) & json.loads(content).keys()


def test_a_message_learnt_never_shows_everywhere(undisturbed: Account) -> None:
    verdict = compare(undisturbed, account(messages(without=99)))
    assert verdict.lost == 2
    assert verdict.wrong > EVENTS - 120
    assert {"counts", "metrics", "predictions", "live counts"} <= set(verdict.learner)


def test_a_message_learnt_twice_shows_in_the_counts(undisturbed: Account) -> None:
    given = messages()
    verdict = compare(undisturbed, account([*given[:200], given[199], *given[200:]]))
    assert verdict.doubled == 2
    assert "counts" in verdict.learner


@pytest.mark.parametrize("part", ["counts", "predictions", "live predictions", "waiting"])
def test_a_learner_that_differs_is_seen(undisturbed: Account, found: Account, part: str) -> None:
    found.learner[part] += b" "
    assert compare(undisturbed, found) == Verdict(learner=[part])


def test_a_learner_that_is_missing_differs_in_all(undisturbed: Account, found: Account) -> None:
    found.learner = {}
    assert compare(undisturbed, found).learner == sorted(undisturbed.learner)


CURVES: dict[str, Callable[[list[Any]], list[Any]]] = {
    "missing": lambda curve: curve[1:],
    "doubled": lambda curve: [*curve, curve[0]],
    "another value": lambda curve: [(curve[0][0], b"[0,0.5]"), *curve[1:]],
    "a second value": lambda curve: [*curve, (curve[0][0], b"[0,0.5]")],
    "of a second run": lambda curve: [*curve, (("fork", 1), b"[0,0]")],
}


@pytest.mark.parametrize("damage", CURVES)
def test_a_damaged_curve_is_seen(undisturbed: Account, found: Account, damage: str) -> None:
    found.curve = CURVES[damage](found.curve)
    assert compare(undisturbed, found) == Verdict(curve_errors=1)


def test_verdicts_of_shards_add_up() -> None:
    total = Verdict(1, 2, 3, 4, ["counts"])
    total += Verdict(10, 20, 30, 40, ["metrics"])
    assert total == Verdict(11, 22, 33, 44, ["counts", "metrics"])


def test_broken_messages_are_told_apart() -> None:
    alone = learn_alone(PROJECT, Source(PROJECT.topic, 1), "cluster/topic", [messages()])
    assert alone.rejected == {(PROJECT.topic, 1, BROKEN_AT)}

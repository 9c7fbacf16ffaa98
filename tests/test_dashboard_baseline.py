"""What a model is compared with, and how the comparison reads."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.baseline import BEFORE, before, chosen, offered
from dashboard.feed import Snapshot
from dashboard.views.kpis import Kpis


def version(number: int, learned: int, *aliases: str, **metrics: float) -> dict[str, Any]:
    return {
        "version": number,
        "events_learned": learned,
        "aliases": list(aliases),
        "metrics": metrics,
    }


VERSIONS = [
    version(3, 900, "champion", F1=0.7),
    version(2, 600, "previous", F1=0.6),
    version(1, 300, F1=0.5),
]
RIVALS = {"rule": {"F1": 0.4}}
NOW = {"events_learned": 1_000, "metrics": {"F1": 0.65, "Recall": 0.5}, "challengers": RIVALS}


@pytest.fixture
def kpis() -> Kpis:
    made = Kpis(("F1", "Recall"), lambda _name: True)
    made.snapshot = Snapshot(metrics=NOW, versions=VERSIONS)
    return made


def test_champion_before_is_offered_first_then_challengers_then_versions() -> None:
    options = offered(VERSIONS, RIVALS, 1_000)
    assert list(options.values()) == [BEFORE, "challenger rule", "3", "2", "1"]
    assert next(iter(options)) == "champion before: version 2"
    assert "version 3: 900 events, champion" in options


@pytest.mark.parametrize(
    ("versions", "learned", "expected"),
    [
        (VERSIONS, 1_000, 2),
        ([version(3, 900), version(2, 600)], 1_000, 3),
        ([version(3, 900), version(2, 600)], 900, 2),
        ([version(3, 900)], 900, None),
        ([], 900, None),
    ],
)
def test_champion_before_is_the_former_one_or_the_newest_that_knew_less(
    versions: Any, learned: int, expected: int | None
) -> None:
    found = before(versions, learned)
    assert (found and found["version"]) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (BEFORE, ("version 2", {"F1": 0.6})),
        ("challenger rule", ("rule", {"F1": 0.4})),
        ("challenger gone", ("gone", {})),
        ("1", ("version 1", {"F1": 0.5})),
        ("9", ("", {})),
        (None, ("", {})),
    ],
)
def test_chosen_baseline_has_a_name_and_metrics(key: str | None, expected: Any) -> None:
    assert chosen(key, VERSIONS, RIVALS, 1_000) == expected


def test_tiles_tell_the_change_against_the_champion_before(kpis: Kpis) -> None:
    assert kpis.tiles.changes == {"F1": "0.050 better than version 2"}
    assert "<div class='change better'>0.050 better than version 2</div>" in kpis.tiles.html


def test_chosen_version_stays_chosen_while_newer_ones_come(kpis: Kpis) -> None:
    kpis.against._select.value = "3"
    assert kpis.tiles.changes["F1"] == "0.050 worse than version 3"
    newer = [version(4, 950, "champion", F1=0.9), *VERSIONS]
    kpis.snapshot = Snapshot(metrics=NOW, versions=newer)
    assert kpis.tiles.changes["F1"] == "0.050 worse than version 3"
    assert "class='change worse'" in kpis.tiles.html


def test_champion_before_takes_the_place_of_what_was_offered_meanwhile() -> None:
    made = Kpis(("F1",), lambda _name: True)
    made.snapshot = Snapshot(metrics=NOW)
    assert made.against.value == "challenger rule"
    made.snapshot = Snapshot(metrics=NOW, versions=VERSIONS)
    assert made.against.value == BEFORE


def test_nothing_has_changed_beside_an_equal() -> None:
    equal = Kpis(("F1",), lambda _name: True)
    equal.snapshot = Snapshot(metrics=NOW, versions=[version(1, 900, F1=0.65)])
    assert equal.tiles.changes == {"F1": "unchanged beside version 1"}
    assert "class='change same'" in equal.tiles.html


def test_without_versions_there_is_nothing_to_compare_with() -> None:
    lonely = Kpis(("F1",), lambda _name: True)
    lonely.snapshot = Snapshot(metrics={**NOW, "challengers": {}})
    assert lonely.tiles.changes == {}
    assert lonely.tiles.values["F1"] == "0.650"

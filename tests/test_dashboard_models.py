# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dashboard.client import Client, Failure
from dashboard.store import Store
from dashboard.views import versions
from dashboard.views.change import PROMOTE, ROLL_BACK, ChangeDialog
from dashboard.views.models import Models
from flows.projects import fraud
from scripts.local.ports import free_port

MODELS: list[dict[str, Any]] = [
    {
        "version": number,
        "aliases": aliases,
        "events_learned": 1_000 * number,
        "score": {"name": "FBeta", "value": 0.7 + number / 100},
        "created": "2026-11-22T04:39:49.260000Z",
    }
    for number, aliases in ((3, []), (2, ["champion"]), (1, ["previous"]))
]
CHANGE: dict[str, Any] = {
    "kind": "rollback",
    "state": "done",
    "who": "me",
    "why": "it was better",
    "time": "2026-11-22T04:39:49.260000Z",
    "version": 2,
    "challenger": None,
    "skip": False,
    "events_learned": 2_000,
    "detail": "",
}
REPORT: dict[str, Any] = {
    "leads": "original",
    "challengers": {"prior": {"FBeta": 0.2}},
    "contests": {
        "prior": {"labels": 2_000, "champion_error": 0.01, "challenger_error": 0.2, "t": -37.1}
    },
}
SIDE = {"learnt": 0, "mean_error": 0.1, "metrics": {"FBeta": 0.7, "LogLoss": 0.1}}
COMPARISON: dict[str, Any] = {
    "a": {**SIDE, "version": 2},
    "b": {**SIDE, "version": 3, "metrics": {"FBeta": 0.8, "LogLoss": 0.2}},
    "events": 500,
    "unseen": 500,
    "t": 3.2,
    "truncated": False,
}
DOWN = Failure(503, "A store does not answer", "MLflow is silent")


@pytest.fixture
def store() -> Store:
    return Store(Client(f"http://127.0.0.1:{free_port()}"))


@pytest.fixture
def models(store: Store) -> Models:
    return Models(fraud.PROJECT, store)


def test_versions_are_listed_with_what_they_are(models: Models) -> None:
    models.listed = {"models": MODELS}
    newest, champion, _ = models.versions.rows
    assert newest == (
        "3", "—", "F-beta 0.730", "3\u202f000 events", "22 Nov 2026, 04:39 UTC",
    )  # fmt: skip
    assert champion[:2] == ("2", "champion")
    assert not models._promote.disabled


def test_newest_is_compared_with_the_champion_unless_the_address_says_otherwise(
    models: Models,
) -> None:
    models.listed = {"models": MODELS}
    assert (models._version.value, models._other.value, models.model) == ("3", "2", "")
    models.model = "1"
    assert models._version.value == "1"


def test_address_may_name_a_version_before_it_is_known(store: Store) -> None:
    models = Models(fraud.PROJECT, store, model="2")
    models.listed = {"models": MODELS}
    assert models._version.value == "2"
    models._version._select.value = "3"
    assert models.model == "3"


def test_a_version_that_does_not_exist_is_not_chosen(store: Store) -> None:
    models = Models(fraud.PROJECT, store, model="77")
    models.listed = {"models": MODELS}
    assert models._version.value == "3"


def test_without_versions_nothing_can_be_done(models: Models) -> None:
    models.listed = {"models": []}
    assert "No version is registered yet" in models.versions.html
    assert models._promote.disabled
    assert models._roll_back.disabled


def test_silent_registry_is_said_and_the_old_list_stays(models: Models) -> None:
    models.listed = {"models": MODELS}
    models.listed = DOWN
    assert models._problem.message == "MLflow is silent"
    assert len(models.versions.rows) == 3
    models.listed = {"models": MODELS[:1]}
    assert models._problem.title == ""


def test_contests_say_who_errs_less(models: Models) -> None:
    models.report = REPORT
    champion, prior = models.rivals.rows
    assert (champion[0], champion[-1]) == ("original (champion)", "leads")
    assert prior[1:4] == ("0.200", "0.200", "0.010")
    assert prior[4] == "errs more (t = -37.1), over 2\u202f000 labels"
    assert not models._crown.disabled


@pytest.mark.parametrize(
    ("t", "said"), [(None, "too few"), (0.5, "no clear"), (2.5, "errs less"), (-9.0, "errs more")]
)
def test_standing_in_words(t: float | None, said: str) -> None:
    assert said in versions.standing({"t": t, "labels": 2_000})


def test_history_tells_what_when_who_why(models: Models) -> None:
    models.told = {"changes": [CHANGE], "problems": ["MLflow is silent"]}
    assert models.history.rows == [
        (
            "22 Nov 2026, 04:39 UTC",
            "Rolled back to version 2",
            "me",
            "it was better",
            "done, after 2\u202f000 events",
        )
    ]
    assert models._gaps.message == "MLflow is silent"


@pytest.mark.parametrize(
    ("fields", "what", "outcome"),
    [
        ({"skip": True}, "Rolled back to version 2, leaving out what came since", "done, after"),
        ({"kind": "promotion"}, "Promoted version 2", "done, after"),
        (
            {"kind": "promotion", "version": None, "challenger": "prior", "state": "waiting"},
            "Promoted challenger prior",
            "waits for the flow",
        ),
        ({"state": "refused", "detail": "no version 2"}, "Rolled back", "refused: no version 2"),
    ],
)
def test_changes_in_words(fields: dict[str, Any], what: str, outcome: str) -> None:
    change = CHANGE | fields
    assert versions.what(change).startswith(what)
    assert versions.outcome(change).startswith(outcome)


def test_comparison_says_which_is_better(models: Models) -> None:
    models.compared = COMPARISON
    score, loss, error = models.comparison.rows
    assert score == ("F-beta", "0.700", "0.800", "0.100 better")
    assert loss[-1] == "0.100 worse"
    assert error[0] == "Mean error"
    assert "Version 3 errs less (t = 3.2)." in models._verdict.object


def test_comparison_on_learned_events_says_so() -> None:
    told = versions.compared(COMPARISON | {"unseen": 20, "truncated": True})
    assert "what was learned before is easier" in told
    assert "time ran out" in told


def test_comparison_without_events_says_so() -> None:
    assert "nothing to compare" in versions.compared(COMPARISON | {"events": 0})


def test_failed_comparison_is_said(models: Models) -> None:
    models.compared = Failure(404, "Unknown version", "fraud has no version 7")
    assert models._said.message == "fraud has no version 7"


def test_nothing_is_done_before_it_is_confirmed(models: Models) -> None:
    models.listed = {"models": MODELS}
    models._ask_rollback(None)
    assert models.dialog.open
    assert models.dialog.skip.visible
    models.dialog._close(None)
    assert not models.dialog.open
    assert models.dialog.answer is None


def test_dialog_sends_who_and_why(store: Store) -> None:
    dialog = ChangeDialog(store, "fraud")
    dialog.ask("Really?", "It goes back.", ROLL_BACK, {"version": 2})
    dialog.param.trigger("answer")
    dialog.who.value, dialog.why.value, dialog.skip.value = " me ", "so", True
    assert dialog.body == {"version": 2, "who": "me", "why": "so", "skip": True}
    dialog.ask("Really?", "It leads.", PROMOTE, {"version": 2})
    assert dialog.body == {"version": 2, "who": "me", "why": "so"}


def test_refused_change_stays_in_the_dialog_with_its_reason(store: Store) -> None:
    dialog = ChangeDialog(store, "fraud")
    dialog.ask("Really?", "It leads.", PROMOTE, {"version": 2})
    asyncio.run(dialog._send(None))
    assert dialog.open
    assert "does not answer" in dialog._problem.title
    dialog._mark({"who": "too short"})
    assert (dialog.who.error_state, dialog.who.helper_text) == (True, "too short")
    dialog.ask("Really?", "It leads.", PROMOTE, {"version": 2})
    assert dialog._problem.title == ""
    assert not dialog.who.error_state

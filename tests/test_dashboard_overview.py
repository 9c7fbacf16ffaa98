"""The overview: a card for each project, the platform's parts, and links to others."""

from __future__ import annotations

import pytest

from dashboard import wording
from dashboard.app import links
from dashboard.client import Client, Failure
from dashboard.store import Store
from dashboard.views import overview
from flows.projects import fraud
from flows.settings import Settings
from scripts.local.ports import free_port
from tests.test_dashboard_views import EMPTY, SNAPSHOT


@pytest.fixture
def store() -> Store:
    return Store(Client(f"http://127.0.0.1:{free_port()}"))


def test_card_says_what_is_known() -> None:
    card = overview.ProjectCard(fraud.PROJECT)
    card.snapshot = SNAPSHOT
    assert "0.810" in card._score.object
    assert "Version 7, learnt from 12\u202f000 events" in card._model.object
    assert card.facts.values == {
        "speed": "250",
        "lag": "4",
        "labels": "98.0 %",
        "alarms": "2",
        "age": wording.age(SNAPSHOT.age_seconds),
        "letters": "3",
    }
    card.snapshot = EMPTY
    assert "No model yet: fraud has learnt from 0 events." in card._model.object
    assert (card.facts.values["labels"], card.facts.values["age"]) == ("—", "—")


def test_parts_are_summed_up_by_the_worst_of_them() -> None:
    found = [
        ("API", "ok", "It answers."),
        ("redis:eta", "ok", ""),
        ("redis:fraud", "failing", "refused"),
        ("model:eta:0", "warning", "no model yet"),
        ("queue", "odd", ""),
    ]
    told = [("API", "ok"), ("Redis", "failing"), ("Models", "warning"), ("queue", "odd")]
    assert overview.summary(found) == told
    assert overview.worries(found) == ["redis:fraud: refused", "model:eta:0: no model yet"]


def test_overview_links_to_what_else_there_is_to_look_at(store: Store) -> None:
    page = overview.Overview([fraud.PROJECT], store, {"Grafana": "http://grafana"})
    assert [(link.label, link.href) for link in page._links] == [("Grafana", "http://grafana")]


def test_links_are_those_of_the_settings_and_here_also_our_own() -> None:
    given = {"Grafana": "http://grafana"}
    local = Settings(_env_file=None, dashboard_links=given, api_url="http://api")
    assert links(local) == {"MLflow": local.mlflow_uri, "API": "http://api/docs", **given}
    assert links(local.model_copy(update={"profile": "prod"})) == given


def test_checks_list_the_api_and_its_parts() -> None:
    body = {"checks": [{"name": "redis:fraud", "status": "failing", "detail": "refused"}]}
    known = [("API", "ok", "It answers."), ("redis:fraud", "failing", "refused")]
    assert overview.checks(body) == known
    assert overview.checks(Failure(503, "", "", body=body)) == known


def test_silent_api_is_the_only_check() -> None:
    assert overview.checks(Failure(0, "It is silent", "")) == [("API", "failing", "It is silent")]
    assert overview.checks(None) == []

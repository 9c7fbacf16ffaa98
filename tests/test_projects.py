"""Which projects there are, and where else they may come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows import projects
from flows.errors import ProjectError
from flows.projects import Registry

OWN = """
from dataclasses import replace
from tests.examples import VISITS
PROJECT = replace(VISITS, slug="own")
"""


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_every_module_with_a_project_is_known() -> None:
    folder = Path(projects.__file__).parent
    having = [path.stem for path in folder.glob("[!_]*.py") if "\nPROJECT = " in path.read_text()]
    assert sorted(having) == sorted(Registry())


def test_settings_name_projects_of_ones_own(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere / "my_own_visits.py").write_text(OWN)
    monkeypatch.setenv("REALTIME_PROJECTS", " my_own_visits ,")
    found = Registry()
    assert found["own"].topic == "visits"
    assert "fraud" in found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nothing_there", "REALTIME_PROJECTS names nothing_there, which cannot be imported"),
        ("pathlib", "pathlib has no PROJECT"),
    ],
)
def test_a_module_without_a_project_is_told(
    text: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REALTIME_PROJECTS", text)
    with pytest.raises(ProjectError, match=told):
        Registry().data  # noqa: B018 - looking is what finds them


def test_an_unknown_project_is_told_with_those_known() -> None:
    with pytest.raises(ProjectError, match=r"no project 'golf'; known: .*fraud"):
        projects.get("golf")

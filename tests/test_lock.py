"""requirements.lock: complete, pinned, hashed, and silent about where packages come from."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PYTHONS = ("3.11", "3.12")
SYSTEMS = ("linux", "darwin")


def _blocks() -> list[str]:
    """One logical line for each requirement, comments left out."""
    lines = [line for line in LOCK.splitlines() if not line.lstrip().startswith("#")]
    return [block for block in "\n".join(lines).replace("\\\n", " ").split("\n") if block.strip()]


def _locked() -> list[Requirement]:
    return [Requirement(block.split(" --hash", 1)[0]) for block in _blocks()]


def _wanted() -> list[Requirement]:
    groups = PYPROJECT["dependency-groups"]
    texts = [*PYPROJECT["project"]["dependencies"], *groups["local"], *groups["dev"]]
    return [Requirement(text) for text in texts]


def _applies(marker: Marker | None, python: str, system: str) -> bool:
    names = {"linux": "Linux", "darwin": "Darwin"}
    place = {"python_version": python, "python_full_version": f"{python}.9"}
    place |= {"sys_platform": system, "platform_system": names[system]}
    return marker is None or marker.evaluate(place)


def _meets(version: str | None, wanted: Requirement) -> bool:
    return version is not None and version in wanted.specifier


def test_every_requirement_has_a_hash() -> None:
    assert [
        block for block in _blocks() if not re.search(r"--hash=sha256:[0-9a-f]{64}", block)
    ] == []


def test_every_requirement_is_pinned_to_one_version() -> None:
    assert [str(r) for r in _locked() if [s.operator for s in r.specifier] != ["=="]] == []


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml", "scripts/bootstrap"])
def test_no_place_to_install_from_is_named(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert (
        re.findall(r"(?i)https?://\S+|--(?:extra-)?index-url.*|--find-links.*|git\+\S+", text) == []
    )


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_lock_satisfies_what_pyproject_asks_for(python: str, system: str) -> None:
    locked = {
        canonicalize_name(r.name): next(iter(r.specifier)).version
        for r in _locked()
        if _applies(r.marker, python, system)
    }
    unmet = [str(r) for r in _wanted() if not _meets(locked.get(canonicalize_name(r.name)), r)]
    assert unmet == []


def test_a_package_has_one_version_in_one_place() -> None:
    for python in PYTHONS:
        names = [r.name for r in _locked() if _applies(r.marker, python, "linux")]
        assert len(names) == len(set(names))


def test_nothing_that_is_locked_misses_what_it_needs() -> None:
    """pip is told to install the lock and nothing else, so the lock must be whole."""
    command = [sys.executable, "-m", "pip", "check", "--disable-pip-version-check"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (told.stdout, told.returncode) == ("No broken requirements found.\n", 0)


def test_bootstrap_leaves_nothing_to_pip_to_choose() -> None:
    script = (ROOT / "scripts/bootstrap").read_text(encoding="utf-8")
    assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(script.split())


def test_what_is_installed_is_what_is_locked() -> None:
    here = [r for r in _locked() if r.marker is None or r.marker.evaluate()]
    found = {r.name: importlib.metadata.version(r.name) for r in here}
    assert found == {r.name: next(iter(r.specifier)).version for r in here}

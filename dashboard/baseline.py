"""What the metrics of the present model are compared with: an older version, or a challenger."""

from __future__ import annotations

from typing import Any

from dashboard import wording

BEFORE = "before"
"""Stands for the champion before the present one, whichever that is by now."""

VERSIONS = 20
Version = dict[str, Any]
Metrics = dict[str, float]


def offered(
    versions: list[Version], challengers: dict[str, Metrics], learned: int
) -> dict[str, str]:
    """What there is to compare a model with that has `learned` so many events, by its label.

    `versions` are those of the registry, newest first.
    """
    options = {}
    former = before(versions, learned)
    if former:
        options[f"champion before: version {former['version']}"] = BEFORE
    for name in challengers:
        options[f"challenger: {name}"] = f"challenger {name}"
    for version in versions[:VERSIONS]:
        events = wording.count(version["events_learned"])
        names = "".join(f", {alias}" for alias in version["aliases"])
        options[f"version {version['version']}: {events} events{names}"] = str(version["version"])
    return options


def before(versions: list[Version], learned: int) -> Version | None:
    """The champion before the present one; else the newest version that had learnt less."""
    former = [one for one in versions if "previous" in one["aliases"]]
    older = [one for one in versions if one["events_learned"] < learned]
    return next(iter(former or older), None)


def chosen(
    key: str | None, versions: list[Version], challengers: dict[str, Metrics], learned: int
) -> tuple[str, Metrics]:
    """Name and metrics of what was chosen of those offered; nothing when it is gone."""
    if key is None:
        return "", {}
    if key.startswith("challenger "):
        name = key.removeprefix("challenger ")
        return name, challengers.get(name, {})
    found = before(versions, learned) if key == BEFORE else _numbered(versions, key)
    return (f"version {found['version']}", found["metrics"]) if found else ("", {})


def _numbered(versions: list[Version], number: str) -> Version | None:
    return next((one for one in versions if str(one["version"]) == number), None)

"""A diagnostic's picture, of all that it takes in one value."""

from __future__ import annotations

from typing import Any

from flows.pictures import diagnostics


def picture(wanted: dict[str, Any]) -> Any:
    """The element of {name, data, title}."""
    return diagnostics.picture(wanted["name"], wanted["data"], wanted["title"])

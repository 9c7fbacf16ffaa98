"""A diagnostic's picture, of all that it takes in one value."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def picture(wanted: dict[str, Any]) -> Any:
    """The element of {name, data, title}."""
    diagnostics = import_module("flows.pictures.diagnostics")
    return diagnostics.picture(wanted["name"], wanted["data"], wanted["title"])

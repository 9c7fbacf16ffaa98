"""What a page needs to show one kind of learning."""

from __future__ import annotations

from typing import Any

import panel as pn
import param


class TaskView(pn.viewable.Viewer):
    """The task's metrics, and panels for what is more than a number; set `report` to show it."""

    primary: tuple[str, ...] = ()
    secondary: tuple[str, ...] = ()
    report = param.Dict(default={})

    def panels(self) -> list[Any]:
        """Make the cards that draw the report."""
        return []


class Verdict(pn.viewable.Viewer):
    """The answer to one event; set `answer` to the API's prediction."""

    answer = param.Dict(default=None, allow_None=True)

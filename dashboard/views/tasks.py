"""What a page needs to show one kind of learning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import panel as pn
import param

from dashboard import theme, wording
from flows.projects.spec import Project


class TaskView(pn.viewable.Viewer):
    """The task's metrics, and panels for what is more than a number; set `report` to show it.

    `rivals` are the challengers' metrics by name, `rows` what `query` finds, `unit` is the label's,
    `tiles` the address of map tiles, if there are any.
    """

    primary: tuple[str, ...] = ()
    secondary: tuple[str, ...] = ()
    report = param.Dict(default={})
    rivals = param.Dict(default={})
    rows = param.List(default=[])
    unit = param.String(default="")
    tiles = param.String(default="")

    def query(self, project: Project) -> str:  # noqa: ARG002
        """The SQL whose rows this task draws, too; none for most."""
        return ""

    def wide(self) -> list[Any]:
        """Make the cards that need the page's whole width; they come first."""
        return []

    def panels(self) -> list[Any]:
        """Make the cards that draw the report two by two."""
        return []


class Verdict(pn.viewable.Viewer):
    """The answer to one event; set `answer` to the API's prediction.

    `event` is what was asked about, `report` that of the model's metrics, `tiles` the address of
    map tiles, if there are any. Reasons are told by `reasons_note`, and coloured by what they speak
    for: `more` and `less`. `labels` are those there are, by name, or their type.
    """

    event = param.Dict(default={})
    answer = param.Dict(default=None, allow_None=True)
    report = param.Dict(default={})
    unit = param.String(default="")
    tiles = param.String(default="")
    reasons_note = "What the model made of the event; the longer, the weightier."
    more, less = theme.ACCENT, theme.WARN
    labels: Mapping[str, Any] | type = float

    def brief(self, prediction: dict[str, Any]) -> tuple[str, float]:
        """Say a prediction in a few words, and by a number that can be drawn."""
        number = next((one for one in prediction.values() if isinstance(one, int | float)), 0.0)
        return wording.score(float(number)), float(number)

    def weight(self, value: float) -> str:
        """One reason's weight in words."""
        return f"{value:+.2f}"

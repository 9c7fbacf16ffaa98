"""What a page needs to show one kind of learning."""

from __future__ import annotations

from typing import Any

import panel as pn
import param

from dashboard import theme


class TaskView(pn.viewable.Viewer):
    """The task's metrics, and panels for what is more than a number; set `report` to show it.

    `rivals` are the challengers' metrics by name, `unit` is the label's.
    """

    primary: tuple[str, ...] = ()
    secondary: tuple[str, ...] = ()
    report = param.Dict(default={})
    rivals = param.Dict(default={})
    unit = param.String(default="")

    def wide(self) -> list[Any]:
        """Make the cards that need the page's whole width; they come first."""
        return []

    def panels(self) -> list[Any]:
        """Make the cards that draw the report two by two."""
        return []


class Verdict(pn.viewable.Viewer):
    """The answer to one event; set `answer` to the API's prediction.

    `report` is that of the model's metrics. Reasons are told by `reasons_note`, and coloured by
    what they speak for: `more` and `less`.
    """

    answer = param.Dict(default=None, allow_None=True)
    report = param.Dict(default={})
    unit = param.String(default="")
    reasons_note = "What the model made of the event; the longer, the weightier."
    more, less = theme.ACCENT, theme.WARN

    def weight(self, value: float) -> str:
        """One reason's weight in words."""
        return f"{value:+.2f}"

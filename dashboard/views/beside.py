"""Other models' answers to the same event, side by side with the one that serves."""
# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui

from dashboard import pictures, theme
from dashboard.views import parts
from dashboard.views.tasks import Verdict
from flows.projects.spec import Project

VERSIONS = 6
MOST = 6
SERVING = "live"


class Beside(pn.viewable.Viewer):
    """A choice of other models, and a bar for each one's answer."""

    def __init__(self, project: Project, verdict: Verdict, **params: Any) -> None:
        super().__init__(**params)
        self._verdict, self._rivals = verdict, list(project.challengers)
        self.choice = pmui.MultiChoice(
            label="Also ask",
            options=["champion", *self._rivals],
            value=[],
            max_items=MOST,
            margin=0,
            sizing_mode="stretch_width",
            description="",
        )
        self._bars = pictures.Picture(_bars, LOW)
        self._body = parts.stack(
            parts.heading("Side by side", _NOTE), self._bars.pane, gap=0, visible=False
        )

    @property
    def asked(self) -> list[str]:
        """The models to ask: none but the one that serves when there is nothing beside it."""
        chosen = self.choice.value or []
        return [SERVING, *chosen] if chosen else []

    def offer(self, versions: list[dict[str, Any]]) -> None:
        """Let the newest versions be asked, too."""
        newest = [str(one["version"]) for one in versions[:VERSIONS]]
        kept = [name for name in self.choice.value or [] if name.isdecimal() and name not in newest]
        options = ["champion", *self._rivals, *newest, *kept]
        if options != self.choice.options:
            self.choice.options = options

    def tell(self, answers: list[dict[str, Any]]) -> None:
        """Draw what each model said; nothing of one that was asked alone."""
        self._body.visible = len(answers) > 1
        if len(answers) > 1:
            self._bars.send([self._row(one) for one in answers])

    def _row(self, answer: dict[str, Any]) -> tuple[str, float, str]:
        words, number = self._verdict.brief(answer["prediction"])
        alias = answer["model"]["alias"]
        name = f"version {alias}" if alias.isdecimal() else alias
        return f"{name}: {words}", number, theme.ACCENT if alias == SERVING else theme.QUIET

    def __panel__(self) -> pmui.Column:
        return self._body


LOW = 200
_NOTE = "The same event, answered by each model that was asked."


def _bars(rows: list[tuple[str, float, str]] | None) -> Any:
    return pictures.bars(list(reversed(rows or [])), ordered=True).opts(height=LOW)

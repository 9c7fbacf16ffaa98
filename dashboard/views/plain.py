"""Any kind of learning: its own metric, its report as it is, and its answer field by field."""
# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from dashboard import wording
from dashboard.views import parts
from dashboard.views.tasks import TaskView, Verdict


class PlainReport(TaskView):
    """The project's own metric as a tile, and what the report holds as a tree."""

    def __init__(self, score: str, **params: Any) -> None:
        super().__init__(**params)
        self.primary = (score,)
        self._tree = pn.pane.JSON(
            self.report, depth=1, hover_preview=True, sizing_mode="stretch_width", margin=0
        )

    @param.depends("report", watch=True)
    def _show(self) -> None:
        self._tree.object = self.report

    def panels(self) -> list[Any]:
        return [parts.card(parts.heading("Report", _REPORT_NOTE), self._tree)]


class PlainVerdict(Verdict):
    """Every field of the answer, with its value."""

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._fields = parts.text("", css_classes=["answer-fields"])

    @param.depends("answer", watch=True)
    def _show(self) -> None:
        parts.say(self._fields, "\n".join(_lines(self.answer or {})))

    def __panel__(self) -> pmui.Column:
        return parts.stack(self._fields)


_REPORT_NOTE = "What the metrics and the model have to say beyond numbers."


def _lines(answer: dict[str, Any], prefix: str = "") -> list[str]:
    lines = []
    for name, value in answer.items():
        label = f"{prefix}{name.replace('_', ' ')}"
        if isinstance(value, dict):
            lines += _lines(value, f"{label}, ")
        else:
            text = wording.score(value) if isinstance(value, float) else str(value)
            lines.append(f"{label}: {wording.NOTHING if value is None else text}")
    return lines

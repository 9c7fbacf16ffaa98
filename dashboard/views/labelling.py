"""The reader's own word on what was predicted: the true label, sent to the flow."""
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import panel as pn
import panel_material_ui as pmui

from dashboard.client import Failure
from dashboard.store import Store
from dashboard.views import inputs, parts
from dashboard.views.tasks import Verdict
from flows.projects.spec import Project


class Labelling(pn.viewable.Viewer):
    """An input for the label of the newest prediction, and what became of it."""

    def __init__(self, project: Project, store: Store, verdict: Verdict, **params: Any) -> None:
        super().__init__(**params)
        self._project, self._store = project, store
        self._prediction = ""
        self.input = _input(verdict)
        self.send = inputs.button("Send label", self._send, icon="check")
        self.said = parts.quiet(css_classes=["label-said"])
        self._problem = parts.Banner()
        self._body = parts.stack(
            parts.heading("The truth", _NOTE),
            parts.line(self.input, self.send),
            self._problem,
            self.said,
            gap=1,
            visible=False,
        )

    def ask(self, prediction_id: str) -> None:
        """Ask for the label of another prediction, if the project learns from labels."""
        self._prediction = prediction_id
        self._body.visible = self._project.label is not None
        self._problem.param.update(title="", message="")
        self.send.disabled = False
        parts.say(self.said, "")

    async def _send(self, _event: Any) -> None:
        answer = await self._store.label(self._project.slug, self._prediction, self.input.value)
        self.told(answer)

    def told(self, answer: Any) -> None:
        """Show where the label went, or why it went nowhere."""
        failed = isinstance(answer, Failure)
        self._problem.param.update(
            title=answer.title if failed else "", message=answer.detail if failed else ""
        )
        self.send.disabled = not failed
        if not failed:
            place = f"{answer['topic']}, partition {answer['partition']}, offset {answer['offset']}"
            parts.say(self.said, f"Sent: {place}. What was served is scored with it.")

    def __panel__(self) -> pmui.Column:
        return self._body


_NOTE = "Do you know what came true? The flow learns from it, and the prediction is scored."


def _input(verdict: Verdict) -> Any:
    look = {"label": "True label", "size": "small", "margin": 0, "width": 200, "description": ""}
    if isinstance(verdict.labels, Mapping):
        first = next(iter(verdict.labels.values()))
        return pmui.Select(options=dict(verdict.labels), value=first, **look)
    if verdict.labels is str:
        return pmui.TextInput(**look)
    unit = f" ({verdict.unit})" if verdict.unit else ""
    return pmui.FloatInput(value=0.0, **{**look, "label": f"True label{unit}"})

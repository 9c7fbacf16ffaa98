"""Asks who changes which model leads, and why, before it is done."""
# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from dashboard.client import Failure
from dashboard.store import Store
from dashboard.views import inputs, parts

PROMOTE, ROLL_BACK = "promote", "rollback"


class ChangeDialog(pn.viewable.Viewer):
    """Open it with `ask`; `answer` is what the API said when it was confirmed."""

    answer = param.Parameter(default=None)

    def __init__(self, store: Store, slug: str, **params: Any) -> None:
        super().__init__(**params)
        self._store, self._slug = store, slug
        self._how, self._body = PROMOTE, dict[str, Any]()
        self._told = parts.text()
        self._problem = parts.Banner()
        self.who = _input("Who", "Your name, as the history shall show it.")
        self.why = _input("Why", "What speaks for it, for those who read the history.")
        self.skip = pmui.Switch(
            label="Leave out what came since", margin=0, description=_SKIP_NOTE, value=False
        )
        self._confirm = inputs.button("Confirm", self._send, variant="contained")
        self._cancel = inputs.button("Cancel", self._close)
        buttons = parts.line(self._confirm, self._cancel)
        self._dialog = pmui.Dialog(
            parts.stack(self._told, self._problem, self.who, self.why, self.skip, buttons),
            title_variant="h2",
            sizing_mode="stretch_width",
        )

    def ask(self, title: str, meaning: str, how: str, body: dict[str, Any]) -> None:
        """Let somebody confirm a promotion or a rollback, whose body lacks who and why."""
        self._how, self._body = how, body
        parts.say(self._told, meaning)
        self._problem.param.update(title="", message="")
        self.skip.param.update(visible=how == ROLL_BACK, value=False)
        self._mark({})
        self._dialog.param.update(title=title, open=True)

    @property
    def open(self) -> bool:
        """Whether it waits for an answer."""
        return bool(self._dialog.open)

    async def _send(self, _event: Any) -> None:
        with self._confirm.param.update(loading=True):
            await inputs.settled()
            answer = await self._store.change(self._slug, self._how, self.body)
        if isinstance(answer, Failure):
            self._problem.param.update(title=answer.title, message=answer.detail)
            self._mark(answer.errors)
        else:
            self._dialog.open = False
            self.answer = answer

    @property
    def body(self) -> dict[str, Any]:
        """What is sent."""
        reasons = {"who": self.who.value.strip(), "why": self.why.value.strip()}
        skipped = {"skip": True} if self._how == ROLL_BACK and self.skip.value else {}
        return {**self._body, **reasons, **skipped}

    def _mark(self, errors: dict[str, str]) -> None:
        for name, widget in (("who", self.who), ("why", self.why)):
            text = errors.get(name, "")
            widget.param.update(error_state=bool(text), helper_text=text)

    def _close(self, _event: Any) -> None:
        self._dialog.open = False

    def __panel__(self) -> pmui.Dialog:
        return self._dialog


_SKIP_NOTE = (
    "Go on where the stream is now and never learn what came since that version;"
    " else the flow reads it again."
)


def _input(label: str, note: str) -> pmui.TextInput:
    return pmui.TextInput(
        label=label, description=note, size="small", margin=0, sizing_mode="stretch_width",
        max_length=500,
    )  # fmt: skip

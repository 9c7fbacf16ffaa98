"""Pictures of a batch model, drawn by the API; those that take long are ordered first."""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from dashboard import wording
from dashboard.client import Failure
from dashboard.store import Store
from dashboard.views import inputs, parts
from dashboard.views.choice import Choice
from dashboard.views.table import Grid


class Diagnosed(pn.viewable.Viewer):
    """One of a model's diagnostics at a time; set `answer` to what the API offers."""

    answer = param.Parameter(default=None, doc="What the API said there is")

    def __init__(
        self, slug: str, store: Store, order: Callable[[str], Awaitable[None]], **params: Any
    ) -> None:
        super().__init__(**params)
        self._slug, self._store, self._order = slug, store, order
        self._shown: tuple[int, str] | None = None
        self._which = Choice("Diagnostic", 260)
        self._which.param.watch(self._show_chosen, "value")
        self._trouble = parts.Banner()
        self._absent = parts.quiet(_ABSENT, visible=False)
        self._make = inputs.button("Make it", self._on_make, visible=False)
        self._picture = Grid(
            html="", margin=0, sizing_mode="stretch_width", css_classes=["diagnostic"]
        )
        self._card = parts.card(
            parts.titled("Diagnostics", _NOTE, self._which, self._make),
            self._trouble,
            self._absent,
            self._picture,
            visible=False,
        )

    async def refresh(self) -> None:
        """Look at what there is, and at the picture that is chosen, if it is another one."""
        answer = await self._store.diagnostics(self._slug)
        if answer != self.answer:
            self.answer = answer
        state = self._chosen
        wanted = (self.answer["version"], state["name"]) if state and state["ready"] else None
        if wanted is not None and wanted != self._shown:
            await self._draw(wanted)

    @property
    def _chosen(self) -> dict[str, Any] | None:
        if not isinstance(self.answer, dict):
            return None
        states = {one["name"]: one for one in self.answer["diagnostics"]}
        return states.get(self._which.value or "")

    @param.depends("answer", watch=True)
    def _show(self) -> None:
        there = isinstance(self.answer, dict)
        self._card.visible = there
        if there:
            self._which.offer_words([one["name"] for one in self.answer["diagnostics"]])
            self._show_chosen()

    def _show_chosen(self, _event: Any = None) -> None:
        state = self._chosen
        absent = state is not None and not state["ready"]
        self._absent.visible = absent
        self._make.visible = absent and state is not None and state["long"]
        if absent:
            self._picture.html, self._shown = "", None

    async def _draw(self, wanted: tuple[int, str]) -> None:
        found = await self._store.diagnostic(self._slug, wanted[1])
        # What fails is asked for again only when it is chosen again.
        self._shown = wanted
        if isinstance(found, Failure):
            self._trouble.param.update(**parts.trouble(found))
            self._picture.html = ""
            return
        self._trouble.param.update(title="", message="")
        self._picture.html = _image(wanted[1], found)

    async def _on_make(self, event: Any) -> None:
        if self._which.value:
            with event.obj.param.update(loading=True):
                await self._order(self._which.value)
                await asyncio.sleep(0)

    def __panel__(self) -> pmui.Paper:
        return self._card


_NOTE = "Of the newest fifth of its rows, unless the picture says otherwise."
_ABSENT = "This one takes a while and has not been made yet; a job does it."


def _image(name: str, picture: bytes) -> str:
    """The picture on paper of its own, and itself to keep."""
    source = f"data:image/svg+xml;base64,{b64encode(picture).decode()}"
    label = escape(wording.words(name))
    return (
        f"<img alt='{label}' src='{source}' style='max-width:100%;background:white;padding:8px'>"
        f"<div><a download='{escape(name)}.svg' href='{source}'>Keep as SVG</a></div>"
    )

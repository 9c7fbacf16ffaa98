"""The switch that lets a project's flow learn, or pause."""
# mypy: allow-untyped-calls

from __future__ import annotations

import time
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui

from dashboard.client import Failure
from dashboard.store import Store
from dashboard.views import parts

PATIENCE = 5.0
"""Seconds within which the flow's own word may still be an older one."""


class Training(pn.viewable.Viewer):
    """Shows what the flow is told to do, and tells it; `follow` what the API says."""

    def __init__(self, slug: str, store: Store, **params: Any) -> None:
        super().__init__(**params)
        self._slug, self._store = slug, store
        self._following, self._told_at = False, -PATIENCE
        self.switch = pmui.Switch(
            label="Learning", value=True, disabled=True, margin=0, css_classes=["training"]
        )
        self.switch.param.watch(self._turned, "value")
        self.problem = parts.Banner()

    def follow(self, wanted: str | None) -> None:
        """Show what the flow is told to do; None while nobody says so."""
        if time.monotonic() - self._told_at < PATIENCE:
            return
        self._show(wanted != "paused", disabled=wanted is None)

    async def tell(self, learn: bool) -> None:
        """Tell the flow; when that fails, say why and turn the switch back."""
        self._told_at = time.monotonic()
        answer = await self._store.train(self._slug, "running" if learn else "paused")
        failed = isinstance(answer, Failure)
        self.problem.param.update(
            title=answer.title if isinstance(answer, Failure) else "",
            message=answer.detail if isinstance(answer, Failure) else "",
        )
        if failed:
            self._told_at = -PATIENCE
            self._show(not learn, disabled=False)

    def _turned(self, event: Any) -> None:
        if not self._following:
            pn.state.execute(partial(self.tell, event.new))

    def _show(self, value: bool, *, disabled: bool) -> None:
        self._following = True
        self.switch.param.update(value=value, disabled=disabled)
        self._following = False

    def __panel__(self) -> pmui.Switch:
        return self.switch

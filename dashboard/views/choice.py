"""A choice among what the newest report holds."""
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from dashboard import wording


class Choice(pn.viewable.Viewer):
    """One of several names; keeps the one that was chosen while it is still offered.

    One that `follows` is the first that is offered until somebody chooses.
    """

    value = param.String(default=None, allow_None=True)

    def __init__(
        self, label: str, width: int = 200, *, follows: bool = False, **params: Any
    ) -> None:
        super().__init__(**params)
        self._follows, self._offering = follows, False
        self._select = pmui.Select(
            label=label, description="", size="small", margin=0, width=width, options={}
        )
        self._select.param.watch(self._take, "value")

    def offer(self, options: Mapping[str, str], wish: str = "") -> None:
        """Let these be chosen, by their label; at first the wish is, if it is among them."""
        if dict(options) == self._select.options:
            return
        wanted = self.value or wish
        kept = wanted if wanted in options.values() and not self._follows else None
        chosen = kept or next(iter(options.values()), None)
        self._offering = True
        self._select.param.update(options=dict(options), value=chosen)
        self._select.param.trigger("value")  # browsers know it by its label, which may be another
        self._offering = False

    def choose(self, value: str) -> None:
        """Choose one of what is offered; what is not is ignored."""
        if value in self._select.options.values():
            self._select.value = value

    def offer_words(self, names: list[str]) -> None:
        """Let these features be chosen, under names that people read."""
        self.offer({wording.words(name): name for name in names})

    def _take(self, event: Any) -> None:
        self._follows = self._follows and self._offering
        self.value = event.new

    def __panel__(self) -> pmui.Select:
        return self._select

"""A button that asks the API for what takes a while."""
# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import panel as pn
import param

from dashboard.client import Answer
from dashboard.views import inputs


class Answering(pn.viewable.Viewer):
    """Keeps the answer to the last press; one while another is being answered is none.

    Who makes a view of it says by `_ask` what is asked.
    """

    answer = param.Parameter(default=None, doc="What the API said last")

    def __init__(self, label: str, icon: str, **params: Any) -> None:
        super().__init__(**params)
        self._button = inputs.button(label, self._click, icon=icon, variant="contained")

    async def _click(self, _event: Any) -> None:
        await inputs.settled()
        await self.run()

    async def run(self) -> None:
        """Ask, and show the answer."""
        if self._button.loading:
            return
        with self._button.param.update(loading=True):
            answer = await self._ask()
        self.answer = answer

    async def _ask(self) -> Answer:
        raise NotImplementedError

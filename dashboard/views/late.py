"""What is put on a page after the rest, and when a browser has it."""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from typing import Any

from dashboard import sessions
from dashboard.views import parts
from dashboard.views.arrival import Arrival

LOOK = 0.05
LOOKS = 100
"""How often a browser is asked, and how many times: one slower than that is not waited for."""


class Late:
    """Parts of a page that are made later than the rest; `box` lays them out, empty at first."""

    def __init__(self, **params: Any) -> None:
        self.box = parts.stack(**params)
        self._arrival: Arrival | None = None

    @property
    def is_put(self) -> bool:
        """Whether the parts are on the page."""
        return self._arrival is not None

    @property
    def is_there(self) -> bool:
        """Whether the browser has the parts, and listens."""
        return self._arrival is not None and self._arrival.there

    def put(self, *objects: Any) -> None:
        """Put the parts on the page, unless they are."""
        if self._arrival is None:
            self._arrival = Arrival()
            self.box.objects = [*objects, self._arrival]

    async def come(self) -> None:
        """Wait until the browser listens, where there is one: what is shown before may be lost.

        For handlers of what a reader does: a refresh holds its page, and would keep what the
        browser says from being heard.
        """
        if sessions.current() is None:
            return
        for _ in range(LOOKS):
            if self.is_there:
                return
            await asyncio.sleep(LOOK)

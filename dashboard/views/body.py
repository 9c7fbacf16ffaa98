"""Where a tab's view stands on its page."""
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable

from dashboard.feed import Snapshot
from dashboard.views import parts
from dashboard.views.arrival import Arrival
from dashboard.views.tab import Tab


class Body:
    """Holds a tab's view, which is made when it is first asked for; `box` lays it out."""

    def __init__(self, name: str, view: Callable[[], Tab]) -> None:
        self._view = view
        self.box = parts.stack(visible=False, css_classes=[f"tab-{name}"])
        self._arrival: Arrival | None = None
        self.is_read = False

    @property
    def is_made(self) -> bool:
        """Whether there is a view."""
        return self._arrival is not None

    @property
    def is_there(self) -> bool:
        """Whether the browser has the view, and listens."""
        return self._arrival is not None and self._arrival.there

    def fill(self, snapshot: Snapshot) -> None:
        """Make the view unless there is one, and let it show a look at the project."""
        if self._arrival is None:
            view, self._arrival = self._view(), Arrival()
            self.box.objects = [view, self._arrival]
        self.follow(snapshot)

    def follow(self, snapshot: Snapshot) -> None:
        """Let the view, if there is one, show a look at the project."""
        if self.is_made:
            self._view().snapshot = snapshot

    def show(self, wanted: bool) -> None:
        """Let people see it, or hide it; it is never taken off the page: Bokeh fails in the
        browser when a page changes its size while a figure has not been laid out."""
        self.box.visible = wanted

    async def refresh(self) -> None:
        """Read what only this tab shows, once the browser listens."""
        if self.is_there:
            await self._view().refresh()
            self.is_read = True

"""Where a tab's view stands on its page."""

from __future__ import annotations

from collections.abc import Callable

from dashboard.feed import Snapshot
from dashboard.views.late import Late
from dashboard.views.tab import Tab


class Body(Late):
    """Holds a tab's view, which is made when it is first asked for."""

    def __init__(self, name: str, view: Callable[[], Tab]) -> None:
        super().__init__(visible=False, css_classes=[f"tab-{name}"])
        self._view = view
        self.is_read = False

    def fill(self, snapshot: Snapshot) -> None:
        """Make the view unless there is one, and let it show a look at the project."""
        self.put(self._view())
        self.follow(snapshot)

    def follow(self, snapshot: Snapshot) -> None:
        """Let the view, if there is one, show a look at the project."""
        if self.is_put:
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

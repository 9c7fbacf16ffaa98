"""Figures of one page that change are drawn again together."""
# mypy: allow-untyped-calls

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from weakref import WeakKeyDictionary

from bokeh.document import Document

PAUSE = 2.0
"""Seconds from one drawing of a page to its next: curves are seen to move, and a server has time
for many readers."""

_log = logging.getLogger("dashboard")


class Redraws:
    """What of one page is due.

    Whenever something was drawn Bokeh looks through all models of the page, which takes longer than
    the drawing: so once for all figures.
    """

    def __init__(self) -> None:
        self._due: list[Callable[[], None]] = []
        self._last = -PAUSE

    def add(self, document: Document, draw: Callable[[], None]) -> None:
        """Call `draw` soon, with what else is due by then."""
        self._due.append(draw)
        if len(self._due) == 1:
            wait = max(0.0, self._last + PAUSE - time.monotonic())
            document.add_timeout_callback(partial(self._draw, document), int(1_000 * wait) + 1)

    def _draw(self, document: Document) -> None:
        due, self._due = self._due, []
        self._last = time.monotonic()
        with document.models.freeze():
            for draw in due:
                _try(draw)


def of(document: Document) -> Redraws:
    """What is due of a page."""
    return _PAGES.setdefault(document, Redraws())


_PAGES: WeakKeyDictionary[Document, Redraws] = WeakKeyDictionary()


def _try(draw: Callable[[], None]) -> None:
    """Whatever fails: an exception would leave the document's models frozen."""
    try:
        draw()
    except Exception:
        _log.exception("a figure cannot be drawn")

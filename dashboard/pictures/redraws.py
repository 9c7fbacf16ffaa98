"""Figures of one page are drawn first one by one, and together when they change."""
# mypy: allow-untyped-calls

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from weakref import WeakKeyDictionary

from bokeh.document import Document

PAUSE = 2.0
"""Seconds from one drawing of a page to its next, at least: curves are seen to move."""

BREATH = 50
"""Milliseconds between two first drawings: browsers answer each with dozens of messages about its
size, and what a reader presses comes behind them."""

SHARE = 0.5
"""How much of a server's time the drawings of all its pages may take; with many readers each page
waits longer."""

_log = logging.getLogger("dashboard")


class Redraws:
    """What of one page is due.

    Whenever something was drawn Bokeh looks through all models of the page, which takes longer than
    the drawing: so once for all figures.
    """

    def __init__(self) -> None:
        self._first: list[Callable[[], None]] = []
        self._due: list[Callable[[], None]] = []
        self._next = 0.0

    def add_first(self, document: Document, draw: Callable[[], None]) -> None:
        """Call `draw` soon, by itself: a press goes before those that are still to be drawn."""
        self._first.append(draw)
        if len(self._first) == 1:
            document.add_next_tick_callback(partial(self._draw_first, document))

    def _draw_first(self, document: Document) -> None:
        _try(self._first[0])
        self._first.pop(0)
        if self._first:
            document.add_timeout_callback(partial(self._draw_first, document), BREATH)

    def add(self, document: Document, draw: Callable[[], None]) -> None:
        """Call `draw` soon, with what else is due by then."""
        self._due.append(draw)
        if len(self._due) == 1:
            wait = max(0.0, self._next - time.monotonic())
            document.add_timeout_callback(partial(self._draw, document), int(1_000 * wait) + 1)

    def _draw(self, document: Document) -> None:
        due, self._due = self._due, []
        began = time.monotonic()
        with document.models.freeze():
            for draw in due:
                _try(draw)
        taken = time.monotonic() - began
        self._next = began + max(PAUSE, taken * len(_PAGES) / SHARE)


def of(document: Document) -> Redraws:
    """What is due of a page."""
    if document not in _PAGES:
        _PAGES[document] = Redraws()
        document.on_session_destroyed(lambda _context: _forget(document))
    return _PAGES[document]


def _forget(document: Document) -> None:
    """What is due holds the page, and so would keep itself."""
    _PAGES.pop(document, None)


_PAGES: WeakKeyDictionary[Document, Redraws] = WeakKeyDictionary()


def _try(draw: Callable[[], None]) -> None:
    """Whatever fails: an exception would leave the document's models frozen."""
    try:
        draw()
    except Exception:
        _log.exception("a figure cannot be drawn")

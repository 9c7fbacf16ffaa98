"""What a page does for as long as somebody looks at it."""
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Awaitable, Callable

import panel as pn
from bokeh.document import Document

from dashboard.instruments import Instruments

PERIOD = 1000
"""Milliseconds between two looks at the API."""


def keep_fresh(refresh: Callable[[], Awaitable[None]]) -> None:
    """Look at the API as soon as the page is there and each second until its session ends.

    A session without a browser rests, since Bokeh ends only sessions that it finds at rest; on a
    busy server one that worked would never be found so, and keep the server busy.
    """

    async def start() -> None:
        document = pn.state.curdoc

        async def look() -> None:
            if watched(document):
                await refresh()

        await refresh()
        ticking = pn.state.add_periodic_callback(look, period=PERIOD)  # type: ignore[arg-type]
        pn.state.on_session_destroyed(lambda _context: ticking.stop())

    pn.state.onload(start)


def current() -> Document | None:
    """The page whose session is at work; none where there is no session, as in tests."""
    document = pn.state.curdoc
    return document if document is not None and document.session_context is not None else None


def watched(document: Document | None) -> bool:
    """Whether a browser is connected to a page; one that is not served counts as watched."""
    session = getattr(document and document.session_context, "session", None)
    return session is None or session.connection_count > 0


def count(instruments: Instruments) -> None:
    """Count the page until its session ends."""
    instruments.sessions.inc()
    pn.state.on_session_destroyed(lambda _context: instruments.sessions.dec())

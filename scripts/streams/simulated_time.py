"""When streams begin whose days pass as fast as their events are sent."""

from __future__ import annotations

from datetime import datetime, timedelta

from scripts.streams.stream import Clock, wall_clock

YEARS_BACK = timedelta(days=730)


def beginning(clock: Clock) -> datetime:
    """Where the clock stands; two years before now, for events that are sent as they are drawn.

    The gaps of such a stream are of its own time, whatever the clock says later.
    """
    now = clock(0)
    return now - YEARS_BACK if clock is wall_clock else now

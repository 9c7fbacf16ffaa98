"""The Analytics tab: what the events of a project are like, beyond what the model needs."""

from __future__ import annotations

from dashboard.views.absent import AbsentTab


class Analytics(AbsentTab):
    """Says that there are no ready-made analyses yet."""

    sentence = (
        "Ready-made analyses of the events are not there yet;"
        " until then the SQL tab answers questions of one's own."
    )

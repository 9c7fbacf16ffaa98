"""The Batch tab: models trained at once on what the lake has kept."""

from __future__ import annotations

from dashboard.views.absent import AbsentTab


class Batch(AbsentTab):
    """Says that there is no batch training yet."""

    sentence = (
        "Models trained at once on all that was kept are not there yet;"
        " until then the SQL tab reads every event, prediction and label there is."
    )

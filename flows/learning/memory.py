"""The garbage collector, set for batches of events."""

from __future__ import annotations

import gc


def calm_collector() -> None:
    """Collect rarely: a batch makes many objects that all live as long as it does.

    With the default thresholds full collections find nothing and cost a third of the time.
    """
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)

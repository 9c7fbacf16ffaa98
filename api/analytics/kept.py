"""Figures that were worked out a moment ago, for their other forms."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from api.sql.messages import Analysis, Figures

SECONDS = 120.0
MOST = 8


class Kept:
    """The newest figures by what was asked; whoever asks for a picture or a file of what is on the
    page gets what is on the page."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changing = threading.Lock()
        self._figures: OrderedDict[Analysis, tuple[float, Figures]] = OrderedDict()

    def put(self, asked: Analysis, figures: Figures) -> None:
        """Keep figures; the oldest go."""
        with self._changing:
            self._figures[asked] = self._clock(), figures
            self._figures.move_to_end(asked)
            while len(self._figures) > MOST:
                self._figures.popitem(last=False)

    def get(self, asked: Analysis) -> Figures | None:
        """Figures of the same question that are not too old."""
        with self._changing:
            since, figures = self._figures.get(asked, (0.0, None))
            return figures if figures is None or self._clock() - since < SECONDS else None

"""The metrics that tell most, and how they changed against a baseline of the reader's choice."""
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import panel as pn
import param

from dashboard import baseline
from dashboard.feed import Snapshot
from dashboard.metrics import changed, describe, explain, shown
from dashboard.views import parts
from dashboard.views.choice import Choice

WIDTHS = {"xs": 2, "md": 5}


def named(metrics: Sequence[str], maximize: Callable[[str], bool]) -> dict[str, tuple[str, str]]:
    """Labels and explanations of metrics, for tiles."""
    return {name: (describe(name).label, explain(name, maximize)) for name in metrics}


class Kpis(pn.viewable.Viewer):
    """A large tile for each metric; set `snapshot` to show newer ones."""

    snapshot = param.ClassSelector(class_=Snapshot, default=Snapshot())

    def __init__(
        self,
        metrics: Sequence[str],
        maximize: Callable[[str], bool],
        unit: str = "",
        **params: Any,
    ) -> None:
        super().__init__(**params)
        self._metrics, self._maximize, self._unit = metrics, maximize, unit
        self.tiles = parts.Tiles(named(metrics, maximize), WIDTHS, large=True)
        self.against = Choice("Compared with", width=280, follows=True)
        self.against.param.watch(lambda _event: self._show(), "value")

    @param.depends("snapshot", watch=True)
    def _show(self) -> None:
        metrics = self.snapshot.metrics or {}
        told = (self.snapshot.versions, metrics.get("challengers") or {}, self._learned)
        self.against.offer(baseline.offered(*told))
        name, before = baseline.chosen(self.against.value, *told)
        values = metrics.get("metrics") or {}
        self.tiles.param.update(
            values={key: shown(key, value, self._unit) for key, value in values.items()},
            changes={
                key: _against(self._changed(key, before[key], values[key]), name)
                for key in self._metrics
                if key in before and key in values
            },
            notes={key: describe(key).sentence for key in self._metrics},
        )

    @property
    def _learned(self) -> int:
        return int((self.snapshot.metrics or {}).get("events_learned", 0))

    def _changed(self, name: str, before: float, after: float) -> str:
        return changed(name, before, after, self._maximize, self._unit)

    def __panel__(self) -> Any:
        return self.tiles


def _against(change: str, name: str) -> str:
    """A change, and beside what."""
    than = "than" if change.endswith(("better", "worse")) else "beside"
    return f"{change} {than} {name}"
